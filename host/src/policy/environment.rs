//! The environment variables that a function sees.

use serde::{Deserialize, Deserializer};

use super::Grant;
use super::aws::{Aws, PLACEHOLDERS};
use super::value;

/// The variables that the function sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table: [env]")]
pub struct EnvPolicy {
    /// The names of the function's own variables that it sees. `None` means all.
    #[serde(deserialize_with = "names")]
    pub allow: Option<Vec<String>>,
    /// The names of the otherwise hidden variables that it sees.
    #[serde(deserialize_with = "names")]
    pub grant: Vec<String>,
}

fn names<'de, D: Deserializer<'de>, L: From<Vec<String>>>(from: D) -> Result<L, D::Error> {
    let check = |name: &str| match name.is_empty() || name.contains(['=', '\0', '*']) {
        true => Err(format!("\"{name}\" is not the name of a variable")),
        false => Ok(()),
    };
    value::texts(from, check).map(L::from)
}

/// The table `[env]`.
pub const ENV: Grant = Grant {
    table: "env",
    about: "the function's own variables, without a grant",
    template: "[env]\n# allow = [\"TABLE\"]  # only these of its variables\n# grant = []           # otherwise hidden variables, by name\n",
};

/// The kind of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The function's own.
    Own,
    /// Lambda's, and no secret.
    Fact,
    /// Credentials, a way to them or to the Runtime API, or a setting of the runtime.
    Hidden,
}

/// The variables of Lambda that are no secret.
///
/// The list is <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime> without
/// the credentials and the variables that lead to them or to the Runtime API.
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

/// The beginnings of names that are Lambda's or this runtime's, apart from the facts.
const RESERVED: &[&str] = &[
    "AWS_CONTAINER_",
    "AWS_LAMBDA_",
    "LAMBDA_WASM_",
    "_AWS_",
    "_LAMBDA_",
];

/// The words in names of variables that are secret, or lead to a secret. Other names that begin with `AWS_` are the function's own,
/// and so are the addresses of services: `AWS_ENDPOINT_URL_SECRETS_MANAGER` has no secret.
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

/// The beginning of the names of variables with the addresses of AWS's services.
const ENDPOINT: &str = "AWS_ENDPOINT_URL";

/// The trace id of an invocation.
const TRACE_ID: &str = "_X_AMZN_TRACE_ID";

impl Kind {
    fn from_name(name: &str) -> Self {
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

impl EnvPolicy {
    /// Returns the variables that the function sees. Where the host signs, placeholders stand for the credentials.
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
        match Kind::from_name(name) {
            Kind::Fact => true,
            Kind::Own => self.allow.as_deref().is_none_or(is_in) || is_in(&self.grant),
            Kind::Hidden => name != TRACE_ID && is_in(&self.grant),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_hidden() {
        let env = EnvPolicy::default();
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
        let env = EnvPolicy {
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
        let env = EnvPolicy {
            grant: vec![secret.to_owned()],
            ..EnvPolicy::default()
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
