//! The routes of an OpenAPI document in a template, by API Gateway's extensions:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-integration.html>.

use std::sync::Arc;

use super::gateway::function_of;
use super::notes::Notes;
use super::value::{Node, Value};
use super::{Api, ApiSettings, Function, InvokeMode, Route};

/// The methods of a path, and the extension for all of them.
const METHODS: [&str; 8] = [
    "get",
    "put",
    "post",
    "delete",
    "options",
    "head",
    "patch",
    "x-amazon-apigateway-any-method",
];

/// An API of a template whose routes are in a document.
pub(super) struct Document<'a> {
    /// The name of the API's resource.
    pub name: &'a str,
    pub api: Api,
    /// `DefinitionBody` or `Body`.
    pub body: Node<'a>,
    pub settings: Arc<ApiSettings>,
}

impl Document<'_> {
    /// Adds the routes of the document to the functions, unless they have them from their `Events`.
    pub fn add(&self, functions: &mut [Function], notes: &mut Notes<'_>) {
        for (path, item) in self.body.get("paths").entries() {
            for (method, operation) in item.entries() {
                if METHODS.contains(&method) {
                    self.add_route(method, path, operation, functions, notes);
                }
            }
        }
    }

    /// Returns the types that are bytes and not text.
    pub fn binary_types(&self) -> impl Iterator<Item = String> {
        let types = self.body.get("x-amazon-apigateway-binary-media-types");
        types.texts().map(str::to_owned)
    }

    fn add_route(
        &self,
        method: &str,
        path: &str,
        operation: Node<'_>,
        functions: &mut [Function],
        notes: &mut Notes<'_>,
    ) {
        let name = self.name;
        let integration = operation.get("x-amazon-apigateway-integration");
        let text = |key: &str| integration.get(key).text().unwrap_or_default();
        let kind = text("type").to_lowercase();
        let method = match method.starts_with("x-") {
            true => "ANY".to_owned(),
            false => method.to_uppercase(),
        };
        match kind.as_str() {
            "aws_proxy" => {}
            // SAM adds the integration for an event.
            "" => return,
            "mock" if method == "OPTIONS" => {
                notes.push(format!(
                    "{name}: its OPTIONS methods with the integration MOCK are not served"
                ));
                return;
            }
            _ => {
                notes.push(format!(
                    "{name}: the integration of {method} {path} is not a function (AWS_PROXY); there is no such route"
                ));
                return;
            }
        }
        // The document of an HTTP API has its route for all other requests as a path.
        let path = match path {
            "/$default" if self.api == Api::Http => Route::DEFAULT,
            path => path,
        };
        let mut route = Route::new(self.api, &method, path);
        route.settings = self.settings.clone();
        self.settings.auth.protect(&mut route);
        route.has_payload_1 = self.api == Api::Http && text("payloadFormatVersion") == "1.0";
        let mode = match text("responseTransferMode").as_str() {
            "STREAM" if self.api == Api::Rest => InvokeMode::ResponseStream,
            _ => InvokeMode::Buffered,
        };
        route.set_mode(mode, integration.get("timeoutInMillis"));
        let target = function_of(&text("uri"));
        let Some(function) = functions.iter_mut().find(|f| f.is_named(&target)) else {
            notes.push(format!(
                "{name}: the function of {method} {path} is not started here; there is no such route"
            ));
            return;
        };
        let is_same = |known: &Route| {
            known.api == route.api && known.method == route.method && known.path == route.path
        };
        if function.routes.iter().any(is_same) {
            return;
        }
        if !operation.get("security").is_absent() {
            notes.push(format!(
                "{name}: the security of {method} {path} in its document is ignored here; the route has the Auth of the API"
            ));
        }
        function.routes.push(route);
    }
}

/// Returns the kind of an API and the properties with its document, by the type of the resource.
pub(super) fn of_type(kind: &str) -> Option<(Api, [&'static str; 2])> {
    Some(match kind {
        "AWS::Serverless::Api" => (Api::Rest, ["DefinitionBody", "DefinitionUri"]),
        "AWS::Serverless::HttpApi" => (Api::Http, ["DefinitionBody", "DefinitionUri"]),
        "AWS::ApiGateway::RestApi" => (Api::Rest, ["Body", "BodyS3Location"]),
        "AWS::ApiGatewayV2::Api" => (Api::Http, ["Body", "BodyS3Location"]),
        _ => return None,
    })
}

/// Returns the document of an API, or notes that it is not read.
pub(super) fn body<'a>(
    name: &str,
    properties: [&'static str; 2],
    own: Node<'a>,
    notes: &mut Notes<'_>,
) -> Option<Node<'a>> {
    let [body, elsewhere] = properties;
    let found = own.get(body);
    if matches!(found.0, Some(Value::Map(_))) {
        return Some(found);
    }
    for property in [body, elsewhere] {
        if !own.get(property).is_absent() {
            let note = format!("{name}: the routes of its {property} are not read");
            notes.at(&["Resources", name, "Properties", property], &note);
        }
    }
    None
}
