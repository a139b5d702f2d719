//! The routes of APIs that are written as resources of CloudFormation, as the CDK does.
//!
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigatewayv2-route.html>,
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-apigateway-method.html>

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::apis::Apis;
use super::notes::Notes;
use super::value::{Node, Value};
use super::{Api, ApiSettings, Auth, Authorization, Cors, InvokeMode, Route, Template, openapi};
use crate::function_name;

/// The most resources in a path of a REST API.
const MAX_PARTS: usize = 64;

/// Adds the routes of a template's resources to its functions.
pub(super) fn add(resources: &Value, apis: &Apis, template: &mut Template, notes: &mut Notes<'_>) {
    let gateway = Gateway {
        resources: Node(Some(resources)),
        settings: RefCell::default(),
    };
    for (name, resource) in gateway.resources.entries() {
        let own = resource.get("Properties");
        let found = match resource.get("Type").text().as_deref() {
            Some("AWS::ApiGatewayV2::Route") => gateway.route(own, notes),
            Some("AWS::ApiGateway::Method") => gateway.method(own, notes),
            Some(kind) => {
                read_api(&gateway, apis, (name, kind), own, template, notes);
                continue;
            }
            None => continue,
        };
        let (mut route, target) = match found {
            Ok(Some(found)) => found,
            Ok(None) => {
                gateway.note_preflight(own, notes);
                continue;
            }
            Err(why) => {
                notes.push(format!("{name}: {why}; there is no such route"));
                continue;
            }
        };
        match text(own, "AuthorizationType").as_str() {
            "" | "NONE" => {}
            "AWS_IAM" => route.authorization = Authorization::Signed,
            kind => notes.push(format!(
                "{name}: AuthorizationType is ignored here ({kind}); the route takes all requests"
            )),
        }
        let mut functions = template.functions.iter_mut();
        match functions.find(|f| f.is_named(&target)) {
            Some(function) => function.routes.push(route),
            None => notes.push(format!(
                "{name}: its function is not started here; there is no such route"
            )),
        }
    }
}

/// Adds the routes of an API's document, and notes the parts of an API that are not followed.
fn read_api(
    gateway: &Gateway<'_>,
    apis: &Apis,
    (name, kind): (&str, &str),
    own: Node<'_>,
    template: &mut Template,
    notes: &mut Notes<'_>,
) {
    let Some((api, properties)) = openapi::of_type(kind) else {
        return;
    };
    if text(own, "ProtocolType") == "WEBSOCKET" {
        let note = format!("{name}: its protocol is WebSocket; it is not served");
        notes.at(&["Resources", name, "Properties", "ProtocolType"], &note);
        return;
    }
    let Some(body) = openapi::body(name, properties, own, notes) else {
        return;
    };
    let settings = match kind.starts_with("AWS::Serverless::") {
        true => apis.named(api, name),
        false => gateway.settings(api, name, notes),
    };
    let document = openapi::Document {
        name,
        api,
        body,
        settings,
    };
    document.add(&mut template.functions, notes);
    for kind in document.binary_types().filter(|_| api == Api::Rest) {
        if !template.binary_types.contains(&kind) {
            template.binary_types.push(kind);
        }
    }
}

/// A route with the name of its function; or none, if it is of no interest; or the reason why the
/// route cannot be served.
type Found = Result<Option<(Route, String)>, String>;

/// The resources of a template.
struct Gateway<'a> {
    resources: Node<'a>,
    /// The settings of its APIs, by the ids. All routes of an API share them.
    settings: RefCell<BTreeMap<String, Arc<ApiSettings>>>,
}

impl Gateway<'_> {
    /// Notes, once for each REST API, that its own responses to preflight requests are not served.
    fn note_preflight(&self, method: Node<'_>, notes: &mut Notes<'_>) {
        if text(method, "HttpMethod") == "OPTIONS" {
            let api = text(method, "RestApiId");
            notes.push(format!(
                "{api}: its OPTIONS methods with the integration MOCK are not served"
            ));
        }
    }

    /// Reads a route of an HTTP API.
    fn route(&self, own: Node<'_>, notes: &mut Notes<'_>) -> Found {
        let api = self.resources.get(&text(own, "ApiId")).get("Properties");
        if text(api, "ProtocolType") == "WEBSOCKET" {
            return Ok(None);
        }
        let target = text(own, "Target");
        let integration = target.strip_prefix("integrations/").unwrap_or_default();
        let integration = self.resources.get(integration).get("Properties");
        let kind = text(integration, "IntegrationType");
        if kind != "AWS_PROXY" || !integration.get("IntegrationSubtype").is_absent() {
            return Err("its integration is not a function (AWS_PROXY)".to_owned());
        }
        let key = text(own, "RouteKey");
        let (method, path) = match key.split_once(' ') {
            Some(parts) => parts,
            None if key == Route::DEFAULT => ("ANY", Route::DEFAULT),
            None => return Err("it does not have a plain RouteKey".to_owned()),
        };
        let mut route = Route::new(Api::Http, method, path);
        route.set_mode(InvokeMode::Buffered, integration.get("TimeoutInMillis"));
        route.has_payload_1 = text(integration, "PayloadFormatVersion") == "1.0";
        route.settings = self.settings(Api::Http, &text(own, "ApiId"), notes);
        Ok(Some((
            route,
            function_of(&text(integration, "IntegrationUri")),
        )))
    }

    /// Reads a method of a REST API.
    fn method(&self, own: Node<'_>, notes: &mut Notes<'_>) -> Found {
        let integration = own.get("Integration");
        match text(integration, "Type").as_str() {
            "AWS_PROXY" => {}
            // The CDK answers preflight requests with it.
            "MOCK" if text(own, "HttpMethod") == "OPTIONS" => return Ok(None),
            _ => return Err("its integration is not a function (AWS_PROXY)".to_owned()),
        }
        let path = self.path(own.get("ResourceId"));
        let path = path.ok_or("its path is not in the template")?;
        let mut route = Route::new(Api::Rest, &text(own, "HttpMethod").to_uppercase(), &path);
        let mode = match text(integration, "ResponseTransferMode").as_str() {
            "STREAM" => InvokeMode::ResponseStream,
            _ => InvokeMode::Buffered,
        };
        route.set_mode(mode, integration.get("TimeoutInMillis"));
        route.settings = self.settings(Api::Rest, &text(own, "RestApiId"), notes);
        // The authorizer, which may return the key, is not followed.
        let has_key = !route.settings.auth.has_key_of_authorizer;
        route.needs_api_key = has_key && own.get("ApiKeyRequired").is_true();
        Ok(Some((route, function_of(&text(integration, "Uri")))))
    }

    /// Returns the path of a REST API's resource.
    fn path(&self, id: Node<'_>) -> Option<String> {
        let mut id = id.text()?;
        let mut path = String::new();
        for _ in 0..MAX_PARTS {
            let resource = self.resources.get(&id);
            if text(resource, "Type") != "AWS::ApiGateway::Resource" {
                // The root: `RootResourceId` of the API.
                return Some(if path.is_empty() {
                    "/".to_owned()
                } else {
                    path
                });
            }
            let own = resource.get("Properties");
            path = format!("/{}{path}", own.get("PathPart").text()?);
            id = own.get("ParentId").text()?;
        }
        None
    }

    /// Returns the settings of an API.
    fn settings(&self, api: Api, id: &str, notes: &mut Notes<'_>) -> Arc<ApiSettings> {
        let mut known = self.settings.borrow_mut();
        let settings = known.entry(id.to_owned());
        let settings = settings.or_insert_with(|| Arc::new(self.read_settings(api, id, notes)));
        settings.clone()
    }

    /// Reads the settings of an API, with the name and the variables of its first stage.
    fn read_settings(&self, api: Api, id: &str, notes: &mut Notes<'_>) -> ApiSettings {
        let mut settings = ApiSettings::default_of(api);
        let own = self.resources.get(id).get("Properties");
        match api {
            Api::Rest => {
                let minimum = own.get("MinimumCompressionSize").text();
                settings.minimum_compression = minimum.and_then(|text| text.parse().ok());
                settings.auth = Auth::of_rest_api(own, self.resources);
            }
            Api::Http => settings.cors = Cors::read(id, own.get("CorsConfiguration"), notes),
        }
        let (kinds, of, variables): (&[&str], _, _) = match api {
            Api::Http => (&["AWS::ApiGatewayV2::Stage"], "ApiId", "StageVariables"),
            Api::Rest => (
                &["AWS::ApiGateway::Stage", "AWS::ApiGateway::Deployment"],
                "RestApiId",
                "Variables",
            ),
        };
        let stage = kinds.iter().find_map(|kind| {
            let mut all = self.resources.entries();
            let (_, stage) = all.find(|(_, resource)| {
                let own = resource.get("Properties");
                text(*resource, "Type") == *kind
                    && text(own, of) == id
                    && !own.get("StageName").is_absent()
            })?;
            Some(stage.get("Properties"))
        });
        if let Some(stage) = stage {
            let name = stage.get("StageName").text();
            settings.stage = name.unwrap_or(settings.stage);
            let pairs = stage.get(variables).entries();
            settings.variables = pairs
                .filter_map(|(name, value)| Some((name.to_owned(), value.text()?)))
                .collect();
        }
        settings
    }
}

fn text(node: Node<'_>, key: &str) -> String {
    node.get(key).text().unwrap_or_default()
}

/// Returns the name of the function of an integration's URI, which is its ARN or has it after
/// `functions/`: <https://docs.aws.amazon.com/apigateway/latest/api/API_PutIntegration.html>.
pub(super) fn function_of(uri: &str) -> String {
    let function = match uri.split_once("/functions/") {
        Some((_, rest)) => rest.rsplit_once('/').map_or(rest, |(function, _)| function),
        None => uri,
    };
    function_name::split(function).0.to_owned()
}
