//! Which of the process's variables a function sees.

use super::aws::{Aws, PLACEHOLDERS};
use super::value::{Entry, Said};

/// What the file says of the environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Env {
    /// Which of the function's own variables it sees; `None` means all.
    pub allow: Option<Vec<String>>,
    /// What it sees of what is otherwise hidden.
    pub grant: Vec<String>,
}

/// What a variable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The function's own.
    Own,
    /// Lambda's, and it says nothing that a function should not know.
    Fact,
    /// Credentials, or what leads to them or to the Runtime API, or what is for the runtime.
    Hidden,
}

/// The variables of Lambda that say nothing which a function should not know.
///
/// The list is <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime> less
/// the credentials and what leads to them or to the Runtime API.
const FACTS: &[&str] = &[
    "AWS_DEFAULT_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_FORMAT",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_LEVEL",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_MAX_CONCURRENCY",
    "AWS_REGION",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "TZ",
    "_HANDLER",
];

/// The beginnings of what is Lambda's, or for this runtime, besides the facts.
const RESERVED: &[&str] = &[
    "AWS_CONTAINER_",
    "AWS_LAMBDA_",
    "LAMBDA_WASM_",
    "_AWS_",
    "_LAMBDA_",
];

/// What the names of variables have in them that are secret, or lead to what is. Others that begin with `AWS_` are the
/// function's own, and so are those that say where a service is: `AWS_ENDPOINT_URL_SECRETS_MANAGER` has no secret.
const SECRETS: &[&str] = &[
    "AUTH",
    "CONFIG_FILE",
    "CREDENTIAL",
    "IDENTITY",
    "KEY",
    "PASSWORD",
    "PROFILE",
    "ROLE",
    "SECRET",
    "TOKEN",
];

/// What the names of variables begin with that say where AWS's services are.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// Each invocation brings its own.
const TRACE_ID: &str = "_X_AMZN_TRACE_ID";

const KEYS: &[&str] = &["allow", "grant"];

impl Kind {
    fn of(name: &str) -> Self {
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        if FACTS.contains(&name) {
            Self::Fact
        } else if name == TRACE_ID
            || RESERVED.iter().any(|start| name.starts_with(start))
            || (name.starts_with("AWS_") && !name.starts_with(ENDPOINT) && has(SECRETS))
        {
            Self::Hidden
        } else {
            Self::Own
        }
    }
}

impl Env {
    pub(super) fn read(entry: &Entry<'_>) -> Said<Self> {
        let mut env = Self::default();
        for entry in entry.table()? {
            match entry.key {
                "allow" => env.allow = Some(names(&entry)?),
                "grant" => env.grant = names(&entry)?,
                _ => return Err(entry.unknown("[env] has", KEYS)),
            }
        }
        Ok(env)
    }

    /// What the function sees of these variables. Where the host signs, placeholders stand for the credentials.
    pub fn view<'a>(
        &self,
        variables: impl Iterator<Item = (&'a String, &'a String)>,
        aws: &Aws,
    ) -> Vec<(String, String)> {
        let seen = variables.filter(|(name, _)| self.shows(name));
        let mut seen: Vec<(String, String)> = seen.map(|(n, v)| (n.clone(), v.clone())).collect();
        if aws.signs() {
            let missing = |name: &str| !seen.iter().any(|(seen, _)| seen == name);
            let placeholders = PLACEHOLDERS.into_iter().filter(|(name, _)| missing(name));
            let placeholders = placeholders.map(|(n, v)| (n.to_owned(), v.to_owned()));
            let placeholders: Vec<_> = placeholders.collect();
            seen.extend(placeholders);
        }
        seen
    }

    fn shows(&self, name: &str) -> bool {
        let is_in = |names: &[String]| names.iter().any(|listed| listed == name);
        match Kind::of(name) {
            Kind::Fact => true,
            Kind::Own => self.allow.as_deref().is_none_or(is_in) || is_in(&self.grant),
            Kind::Hidden => name != TRACE_ID && is_in(&self.grant),
        }
    }
}

fn names(entry: &Entry<'_>) -> Said<Vec<String>> {
    let name = |text: super::value::Text<'_>| {
        if text.text.is_empty() || text.text.contains(['=', '\0', '*']) {
            return Err(text.wrong(format_args!("\"{}\" is no name of a variable", text.text)));
        }
        Ok(text.text.to_owned())
    };
    entry.texts("TABLE")?.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden() {
        let env = Env::default();
        for name in [
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_SECURITY_TOKEN",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_LAMBDA_METADATA_API",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
            "AWS_CONFIG_FILE",
            "AWS_PROFILE",
            "AWS_ROLE_ARN",
            "_AWS_XRAY_DAEMON_ADDRESS",
            "_LAMBDA_TELEMETRY_LOG_FD",
            "_X_AMZN_TRACE_ID",
        ] {
            assert!(!env.shows(name), "{name}");
        }
        for name in [
            "TABLE",
            "AWS_REGION",
            "TZ",
            "_HANDLER",
            "AWS_ENDPOINT_URL",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_SECRETS_MANAGER",
            "AWS_ENDPOINT_URL_COGNITO_IDENTITY",
            "AWS_ENDPOINT_URL_KEYSPACES",
            "AWS_BUCKET",
        ] {
            assert!(env.shows(name), "{name}");
        }
    }

    #[test]
    fn a_list_narrows_the_functions_own_and_grants_are_by_name() {
        let owned = |name: &str| vec![name.to_owned()];
        let env = Env {
            allow: Some(owned("TABLE")),
            grant: owned("AWS_SESSION_TOKEN"),
        };
        for (name, is_seen) in [
            ("TABLE", true),
            ("OTHER", false),
            ("AWS_ENDPOINT_URL", false),
            ("AWS_REGION", true),
            ("AWS_SESSION_TOKEN", true),
            ("AWS_SECRET_ACCESS_KEY", false),
        ] {
            assert_eq!(env.shows(name), is_seen, "{name}");
        }
    }

    #[test]
    fn placeholders_stand_for_what_is_not_granted() {
        let [(id, id_value), (secret, _), (token, token_value)] = PLACEHOLDERS;
        let variables = [id, secret, token].map(|name| (name.to_owned(), "real".to_owned()));
        let env = Env {
            grant: vec![secret.to_owned()],
            ..Env::default()
        };
        let aws = Aws {
            sign: vec!["s3".to_owned()],
            ..Aws::default()
        };
        let seen = |aws| env.view(variables.iter().map(|(n, v)| (n, v)), aws);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            seen(&aws),
            [
                pair(secret, "real"),
                pair(id, id_value),
                pair(token, token_value)
            ]
        );
        assert_eq!(seen(&Aws::default()), [pair(secret, "real")]);
    }
}
