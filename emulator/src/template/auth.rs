//! The access to the routes of an API: `Auth`.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::authorizer::{Authorization, JwtAuthorizer, LambdaAuthorizer};
use super::intrinsics::Scope;
use super::notes::Notes;
use super::value::Node;
use super::{Api, Route};

/// The `Auth` of an API:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html> and
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-httpapi-httpapiauth.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// `Authorizers`, by their names.
    authorizers: BTreeMap<String, Authorization>,
    /// `DefaultAuthorizer`, for routes that do not name one.
    default: Authorization,
    /// `ApiKeyRequired`, for routes that do not set it.
    needs_api_key: bool,
    /// The authorization of the `OPTIONS` methods that SAM adds for CORS.
    pub preflight: Authorization,
    /// Whether these methods need an API key.
    pub preflight_needs_api_key: bool,
    /// The keys that the template has a value for. Without them, every key is accepted.
    pub api_keys: Vec<String>,
    /// `ApiKeySourceType: AUTHORIZER`: whether the authorizer returns the API key.
    pub has_key_of_authorizer: bool,
}

/// The properties of an API as its template has them, with the functions of CloudFormation.
#[derive(Clone, Copy)]
pub(super) struct Written<'a> {
    pub properties: Node<'a>,
    pub scope: &'a Scope<'a>,
}

impl<'a> Written<'a> {
    /// Returns the configuration of a JWT authorizer.
    fn of_authorizer(self, name: &str) -> Self {
        let authorizers = self.properties.get("Auth").get("Authorizers");
        Self {
            properties: authorizers.get(name).get("JwtConfiguration"),
            ..self
        }
    }

    /// Returns whether only a deployment can tell the value of a property: it refers to a resource
    /// that is not created here. The case of the property's name does not count.
    pub fn is_unknown(self, property: &str) -> bool {
        let mut entries = self.properties.entries();
        let found = entries.find(|(name, _)| name.eq_ignore_ascii_case(property));
        let value = found.and_then(|(_, node)| node.0);
        value.is_some_and(|value| !self.scope.used_by(value).is_empty())
    }
}

impl Auth {
    /// Reads the `Auth` of an API from its properties. Its template has these values of API keys.
    pub(super) fn read(
        api: Api,
        of: &str,
        properties: Node<'_>,
        written: Written<'_>,
        api_keys: &[String],
        notes: &mut Notes<'_>,
    ) -> Self {
        let node = properties.get("Auth");
        let mut auth = Self {
            needs_api_key: node.get("ApiKeyRequired").is_true(),
            api_keys: api_keys.to_vec(),
            ..Self::default()
        };
        for (name, authorizer) in node.get("Authorizers").entries() {
            let jwt = match api {
                Api::Rest => None,
                Api::Http => {
                    let written = written.of_authorizer(name);
                    JwtAuthorizer::read(of, name, authorizer, written, notes)
                }
            };
            let lambda = LambdaAuthorizer::read(api, of, name, authorizer, notes);
            let authorization = match (jwt, lambda) {
                (Some(jwt), _) => Authorization::Jwt {
                    authorizer: Arc::new(jwt),
                    scopes: scopes(authorizer).unwrap_or_default(),
                },
                (None, Some(lambda)) => Authorization::Lambda(Arc::new(lambda)),
                (None, None) => {
                    notes.push(format!(
                        "{of}: the authorizer {name} is not followed here; its routes take all requests"
                    ));
                    Authorization::None
                }
            };
            auth.authorizers.insert(name.to_owned(), authorization);
        }
        if let Some(name) = node.get("DefaultAuthorizer").text() {
            auth.default = auth.named(of, &name, notes);
        }
        let is_set = |key| node.get(key).text().as_deref() != Some("false");
        if is_set("AddDefaultAuthorizerToCorsPreflight") {
            auth.preflight = auth.default.clone();
        }
        auth.preflight_needs_api_key =
            auth.needs_api_key && is_set("AddApiKeyRequiredToCorsPreflight");
        let source = properties.get("ApiKeySourceType").text();
        auth.has_key_of_authorizer = source.as_deref() == Some("AUTHORIZER");
        auth
    }

    /// Reads the API keys of a REST API that is a resource of CloudFormation.
    pub(super) fn of_rest_api(properties: Node<'_>, resources: Node<'_>) -> Self {
        let source = properties.get("ApiKeySourceType").text();
        Self {
            api_keys: api_keys(resources),
            has_key_of_authorizer: source.as_deref() == Some("AUTHORIZER"),
            ..Self::default()
        }
    }

    /// Returns the authorization of an event with this `Auth`.
    pub(super) fn of_event(
        &self,
        of: &str,
        event: Node<'_>,
        notes: &mut Notes<'_>,
    ) -> Authorization {
        let mut authorization = match event.get("Authorizer").text() {
            Some(name) => self.named(of, &name, notes),
            None => self.default.clone(),
        };
        if let Authorization::Jwt { scopes: needed, .. } = &mut authorization
            && let Some(own) = scopes(event)
        {
            *needed = own;
        }
        authorization
    }

    /// Gives a route of a document the authorization that SAM adds to its methods:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html>.
    pub(super) fn protect(&self, route: &mut Route) {
        let (authorization, needs_api_key) = match route.method.as_str() {
            "OPTIONS" => (&self.preflight, self.preflight_needs_api_key),
            _ => (&self.default, self.needs_api_key),
        };
        route.authorization = authorization.clone();
        route.needs_api_key = route.api == Api::Rest && needs_api_key;
    }

    fn named(&self, of: &str, name: &str, notes: &mut Notes<'_>) -> Authorization {
        match name {
            "NONE" => return Authorization::None,
            "AWS_IAM" => return Authorization::Signed,
            _ => {}
        }
        let known = self.authorizers.get(name).cloned();
        known.unwrap_or_else(|| {
            notes.push(format!(
                "{of}: the API does not have the authorizer {name}; the route takes all requests"
            ));
            Authorization::None
        })
    }

    /// Returns whether an event with this `Auth` needs an API key.
    pub(super) fn needs_api_key(&self, event: Node<'_>) -> bool {
        match event.get("ApiKeyRequired").text() {
            Some(own) => own == "true",
            None => self.needs_api_key,
        }
    }
}

/// Returns the `AuthorizationScopes` of an authorizer or an event.
fn scopes(node: Node<'_>) -> Option<Vec<String>> {
    let scopes = node.get("AuthorizationScopes");
    let texts = || scopes.texts().map(str::to_owned).collect();
    (!scopes.is_absent()).then(texts)
}

/// Returns the values of a template's resources of type `AWS::ApiGateway::ApiKey`, as far as it has them.
pub(super) fn api_keys(resources: Node<'_>) -> Vec<String> {
    let keys = resources.entries().filter(|(_, resource)| {
        resource.get("Type").text().as_deref() == Some("AWS::ApiGateway::ApiKey")
    });
    keys.filter_map(|(_, key)| key.get("Properties").get("Value").text())
        .collect()
}
