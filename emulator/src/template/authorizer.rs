//! The authorizers of an API.

use std::sync::Arc;
use std::time::Duration;

use regex_lite::Regex;

use super::Api;
use super::auth::Written;
use super::notes::Notes;
use super::value::Node;
use crate::function_name;

/// The authorization that a route asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authorization {
    /// Everyone may send requests.
    #[default]
    None,
    /// `AWS_IAM`: a signature decides.
    Signed,
    /// A function decides.
    Lambda(Arc<LambdaAuthorizer>),
    /// A token decides.
    Jwt {
        /// The authorizer that checks the token.
        authorizer: Arc<JwtAuthorizer>,
        /// `AuthorizationScopes`, of which the token needs one.
        scopes: Vec<String>,
    },
}

/// An authorizer whose function decides about requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LambdaAuthorizer {
    /// Its name in the template.
    pub name: String,
    /// The name of its function.
    pub function: String,
    /// The form of its events.
    pub event: AuthorizerEvent,
    /// `Identity`: the parts of a request that it looks at.
    pub sources: Vec<IdentitySource>,
    /// `EnableSimpleResponses`: whether its function returns a flag instead of a policy.
    pub has_simple_responses: bool,
    /// `ReauthorizeEvery`: the time for which its function's response is kept.
    pub ttl: Duration,
}

/// The most seconds for which a response is kept: `authorizerResultTtlInSeconds` in
/// <https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html>.
const MAX_TTL: u64 = 3600;

/// The form of an authorizer's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizerEvent {
    /// The token of a header, which has to match a regular expression if there is one.
    Token(Option<Pattern>),
    /// A request in payload format 1.0.
    Request1,
    /// A request in payload format 2.0.
    Request2,
}

/// The regular expression of an authorizer's tokens.
#[derive(Clone, Debug)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles a `ValidationExpression`, which tokens match from their start on, as for `sam local`.
    fn parse(expression: &str) -> Result<Self, regex_lite::Error> {
        Regex::new(&format!("^(?:{expression})")).map(Self)
    }

    /// Returns whether a token matches.
    pub(crate) fn takes(&self, token: &str) -> bool {
        self.0.is_match(token)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

/// A part of a request by which an authorizer knows its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentitySource {
    /// A header, in lower case.
    Header(String),
    /// A parameter of the query.
    Query(String),
    /// A stage variable.
    StageVariable(String),
    /// A value of the event's `requestContext`, such as `identity.sourceIp`.
    Context(String),
}

impl LambdaAuthorizer {
    /// Reads an authorizer with a `FunctionArn`:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-lambdarequestauthorizer.html>,
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-lambdatokenauthorizer.html>
    /// and
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-lambdaauthorizer.html>.
    pub(super) fn read(
        api: Api,
        of: &str,
        name: &str,
        node: Node<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Self> {
        let arn = node.get("FunctionArn").text()?;
        let (function, _) = function_name::split(&arn);
        let function = function.to_owned();
        let identity = node.get("Identity");
        let text = |key| node.get(key).text();
        let is_request = text("FunctionPayloadType").as_deref() == Some("REQUEST");
        let version = text("AuthorizerPayloadFormatVersion");
        let event = match api {
            Api::Http if version.as_deref() == Some("1.0") => AuthorizerEvent::Request1,
            Api::Http => AuthorizerEvent::Request2,
            Api::Rest if is_request => AuthorizerEvent::Request1,
            Api::Rest => {
                let expression = identity.get("ValidationExpression").text();
                let pattern = expression.and_then(|expression| {
                    let parsed = Pattern::parse(&expression);
                    let parsed = parsed.map_err(|error| notes.push(format!(
                        "{of}: the ValidationExpression of the authorizer {name} cannot be read here; all tokens are allowed: {error}"
                    )));
                    parsed.ok()
                });
                AuthorizerEvent::Token(pattern)
            }
        };
        let sources = match event {
            AuthorizerEvent::Token(_) => {
                let header = identity.get("Header").text();
                let header = header.unwrap_or_else(|| "Authorization".to_owned());
                vec![IdentitySource::Header(header.to_lowercase())]
            }
            AuthorizerEvent::Request1 | AuthorizerEvent::Request2 => sources(identity),
        };
        let ttl = identity.get("ReauthorizeEvery").text();
        let ttl = ttl.and_then(|text| text.parse().ok());
        let default_ttl = match api {
            Api::Rest => 300,
            Api::Http => 0,
        };
        Some(Self {
            name: name.to_owned(),
            function,
            event,
            sources,
            has_simple_responses: node.get("EnableSimpleResponses").is_true(),
            ttl: Duration::from_secs(ttl.unwrap_or(default_ttl).min(MAX_TTL)),
        })
    }
}

/// An authorizer of an HTTP API that checks tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JwtAuthorizer {
    /// Its name in the template.
    pub name: String,
    /// `issuer`, unless only a deployment can tell it.
    pub issuer: Option<String>,
    /// `audience`; empty if only a deployment can tell it.
    pub audience: Vec<String>,
    /// `IdentitySource`: the place of the token.
    pub source: IdentitySource,
}

impl JwtAuthorizer {
    /// Reads an authorizer with a `JwtConfiguration`, whose keys SAM also takes with capitals:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-oauth2authorizer.html>.
    pub(super) fn read(
        of: &str,
        name: &str,
        node: Node<'_>,
        written: Written<'_>,
        notes: &mut Notes<'_>,
    ) -> Option<Self> {
        let configuration = node.get("JwtConfiguration");
        if configuration.is_absent() {
            return None;
        }
        let mut setting = |key: &str| {
            let mut entries = configuration.entries();
            let found = entries.find(|(name, _)| name.eq_ignore_ascii_case(key));
            let found = found.filter(|_| !written.is_unknown(key));
            let values = found.map(|(_, node)| match node.text() {
                Some(text) => vec![text],
                None => node.texts().map(str::to_owned).collect(),
            });
            let mut values = values.unwrap_or_default();
            // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html
            if values.iter().any(|value| value.contains("{{resolve:")) {
                values.clear();
            }
            if values.is_empty() {
                notes.push(format!(
                    "{of}: only a deployment can tell the {key} of the authorizer {name}; it is not compared here"
                ));
            }
            values
        };
        let issuer = setting("issuer").into_iter().next();
        let audience = setting("audience");
        let source = node.get("IdentitySource").text().unwrap_or_default();
        let source = match source.strip_prefix("$request.querystring.") {
            Some(name) => IdentitySource::Query(name.to_owned()),
            None => {
                let header = source.strip_prefix("$request.header.");
                IdentitySource::Header(header.unwrap_or("authorization").to_lowercase())
            }
        };
        Some(Self {
            name: name.to_owned(),
            issuer,
            audience,
            source,
        })
    }
}

/// Returns the sources of an authorizer's `Identity`, in SAM's order.
fn sources(identity: Node<'_>) -> Vec<IdentitySource> {
    let of = |key, source: fn(String) -> IdentitySource| {
        let names = identity.get(key).texts();
        names.map(move |name| source(name.to_owned()))
    };
    let header = |name: String| IdentitySource::Header(name.to_lowercase());
    let headers = of("Headers", header);
    let queries = of("QueryStrings", IdentitySource::Query);
    let variables = of("StageVariables", IdentitySource::StageVariable);
    let context = of("Context", IdentitySource::Context);
    headers
        .chain(queries)
        .chain(variables)
        .chain(context)
        .collect()
}
