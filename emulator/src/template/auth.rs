//! The access to the routes of an API: `Auth`.

use super::value::{Node, Value};

/// The `Auth` of an API:
/// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-api-apiauth.html>.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auth {
    /// `ApiKeyRequired`, for routes that do not set it.
    needs_api_key: bool,
    /// Whether the `OPTIONS` methods that SAM adds for CORS need an API key.
    pub preflight_needs_api_key: bool,
    /// The keys that the template has a value for. Without them, every key is accepted.
    pub api_keys: Vec<String>,
}

impl Auth {
    /// Reads the `Auth` of an API, whose template has these values of API keys.
    pub(super) fn read(node: Node<'_>, api_keys: &[String]) -> Self {
        let needs_api_key = node.get("ApiKeyRequired").is_true();
        let for_preflight = node.get("AddApiKeyRequiredToCorsPreflight").text();
        Self {
            needs_api_key,
            preflight_needs_api_key: needs_api_key && for_preflight.as_deref() != Some("false"),
            api_keys: api_keys.to_vec(),
        }
    }

    /// Returns whether an event with this `Auth` needs an API key.
    pub(super) fn needs_api_key(&self, event: Node<'_>) -> bool {
        match event.get("ApiKeyRequired").text() {
            Some(own) => own == "true",
            None => self.needs_api_key,
        }
    }
}

/// Returns the values of a template's resources of type `AWS::ApiGateway::ApiKey`, as far as it has them.
pub(super) fn api_keys(resources: &Value) -> Vec<String> {
    let keys = Node(Some(resources)).entries().filter(|(_, resource)| {
        resource.get("Type").text().as_deref() == Some("AWS::ApiGateway::ApiKey")
    });
    keys.filter_map(|(_, key)| key.get("Properties").get("Value").text())
        .collect()
}
