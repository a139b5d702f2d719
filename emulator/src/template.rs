//! Reads a SAM template: the functions that it deploys, and the routes and URLs that lead to them.
//!
//! The template is written for AWS, not for this machine. Parts without a meaning here are skipped.
//! A value that is known only after a deployment (`!Ref` of a table) becomes a note.

mod apis;
mod architecture;
mod auth;
mod authorizer;
mod cors;
mod error;
mod events;
mod function;
mod intrinsics;
mod permissions;
mod route;
mod scalar;
mod value;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::account::REGION;
pub use apis::ApiSettings;
use apis::Apis;
pub use architecture::Architecture;
pub use auth::Auth;
pub use authorizer::{
    Authorization, AuthorizerEvent, IdentitySource, JwtAuthorizer, LambdaAuthorizer,
};
pub use cors::Cors;
pub use error::TemplateError;
use function::arn;
pub use function::{Asynchronous, Function};
use intrinsics::Scope;
pub(crate) use intrinsics::partition;
pub use route::{Api, InvokeMode, Route};
use value::{Node, Value};

/// The part of a template that matters on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The functions, in the order of the template.
    pub functions: Vec<Function>,
    /// `BinaryMediaTypes` of its REST APIs: the types that are bytes there, and not text.
    pub binary_types: Vec<String>,
    /// Parts that fail at a deployment or after it, with hints.
    pub faults: Vec<String>,
    /// Notes about parts that are skipped although the author may expect them to work: one sentence each.
    pub notes: Vec<String>,
}

impl Template {
    /// Returns the template of the current directory, by the names that SAM looks for.
    pub fn find() -> Option<PathBuf> {
        let names = ["template.yaml", "template.yml", "template.json"];
        names
            .into_iter()
            .map(PathBuf::from)
            .find(|path| path.is_file())
    }

    /// Returns the template that the CDK has synthesized, if there is one and no other.
    pub fn find_synthesized() -> Option<PathBuf> {
        let entries = std::fs::read_dir("cdk.out").ok()?.flatten();
        let paths = entries.map(|entry| entry.path());
        let is_template = |path: &PathBuf| path.to_string_lossy().ends_with(".template.json");
        let mut templates = paths.filter(is_template);
        let only = templates.next()?;
        templates.next().is_none().then_some(only)
    }

    /// Reads a template's file, in the default region.
    pub fn read(path: &Path) -> Result<Self, TemplateError> {
        Self::read_in(path, REGION, &BTreeMap::new())
    }

    /// Reads the file of a template that is to be deployed in a region, with these values of its parameters.
    pub fn read_in(
        path: &Path,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let text = std::fs::read_to_string(path).map_err(|source| TemplateError::Read {
            path: path.to_owned(),
            source,
        })?;
        let parsed = Self::parse_in(&text, region, parameters);
        let mut template = parsed.map_err(|error| error.in_file(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for function in &mut template.functions {
            function.code = function.code.take().map(|code| folder.join(code));
        }
        Ok(template)
    }

    /// Reads a template's text, in YAML or JSON.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_in(text, REGION, &BTreeMap::new())
    }

    fn parse_in(
        text: &str,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let document = yaml::load(text).map_err(TemplateError::Syntax)?;
        let known = Node(document.get("Parameters"));
        if let Some(name) = parameters.keys().find(|name| known.get(name).is_absent()) {
            let known: Vec<_> = known.entries().map(|(name, _)| name).collect();
            return Err(TemplateError::UnknownParameter {
                name: name.clone(),
                known: known.join(", "),
            });
        }
        let mut scope = Scope {
            template: &document,
            region,
            parameters,
            functions: BTreeMap::new(),
        };
        let names = function_names(&resolved(&scope, "Resources"), region);
        scope.functions = names;
        let [globals, resources] = ["Globals", "Resources"].map(|key| resolved(&scope, key));
        let mut template = Self::default();
        let notes = &mut template.notes;
        let apis = Apis::read(&globals, &resources, notes);
        for (kind, node) in Node(Some(&globals)).entries() {
            note_unfollowed(&format!("Globals.{kind}"), kind, node, notes);
        }
        let api = Node(globals.get("Api"));
        template.binary_types.extend(binary_types(api));
        template.faults = permissions::faults(&resources);
        let nothing = Value::Map(Vec::new());
        let of_functions = globals.get("Function").unwrap_or(&nothing);
        for (name, resource) in Node(Some(&resources)).entries() {
            let of_resource = resource.get("Type").text().unwrap_or_default();
            let kind = of_resource.strip_prefix("AWS::Serverless::");
            let kind = kind.unwrap_or_default();
            let own = resource.get("Properties");
            note_unfollowed(name, kind, own, notes);
            if kind == "Api" {
                template.binary_types.extend(binary_types(own));
            }
            if !FUNCTION_TYPES.contains(&&*of_resource) {
                continue;
            }
            if let Some(condition) = resource.get("Condition").text()
                && scope.condition(&condition) == Some(false)
            {
                notes.push(format!(
                    "{name}: its Condition {condition} does not hold; it is not started"
                ));
                continue;
            }
            // SAM's Globals are for SAM's functions.
            let shared = if kind == "Function" {
                of_functions
            } else {
                &nothing
            };
            let properties = shared.overlaid(own.0.unwrap_or(&nothing));
            if let Some(mut function) = function::read(name, Node(Some(&properties)), &apis, notes)
            {
                function.region = region.to_owned();
                // Of the CDK, whose `Code` is the place of a deployment.
                let asset = resource.get("Metadata").get("aws:asset:path").text();
                function.code = function.code.or(asset.map(PathBuf::from));
                template.functions.push(function);
            }
        }
        for (name, resource) in Node(Some(&resources)).entries() {
            let properties = resource.get("Properties");
            match resource.get("Type").text().as_deref() {
                Some("AWS::Lambda::Url") => template.give_url(name, properties),
                Some("AWS::ElasticLoadBalancingV2::TargetGroup") => {
                    template.set_targets(properties)
                }
                _ => {}
            }
        }
        match template.functions.is_empty() {
            true => Err(TemplateError::NoFunction),
            false => Ok(template),
        }
    }

    /// Gives a function its `AWS::Lambda::Url`.
    fn give_url(&mut self, resource: &str, properties: Node<'_>) {
        let target = properties.get("TargetFunctionArn").text();
        let target = target.unwrap_or_default();
        let mut functions = self.functions.iter_mut();
        let function =
            functions.find(|function| target == function.name || target == function.arn());
        let Some(function) = function else {
            self.notes.push(format!(
                "{resource}: its function is not started here; there is no such URL"
            ));
            return;
        };
        events::set_url(function, resource, properties, &mut self.notes);
    }

    /// Notes the functions of a load balancer's target group.
    fn set_targets(&mut self, properties: Node<'_>) {
        let items = |key| properties.get(key).0.into_iter().flat_map(Value::items);
        let is_multi = items("TargetGroupAttributes").any(|attribute| {
            let text = |key| attribute.get(key).and_then(Value::text);
            text("Key") == Some("lambda.multi_value_headers.enabled")
                && text("Value") == Some("true")
        });
        for target in items("Targets") {
            let id = target.get("Id").and_then(Value::text);
            let mut functions = self.functions.iter_mut();
            if let Some(function) = functions.find(|function| id == Some(&*function.arn())) {
                function.is_target = true;
                function.has_multi_value_target = is_multi;
            }
        }
    }

    /// Returns the function of this name.
    pub fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.name == name)
    }
}

/// Returns a part of the template with the functions of CloudFormation evaluated.
fn resolved(scope: &Scope<'_>, key: &str) -> Value {
    let part = scope.template.get(key).and_then(|part| scope.resolve(part));
    part.unwrap_or(Value::Null)
}

/// Returns the names and ARNs of a template's functions, to which other values can refer.
fn function_names(resources: &Value, region: &str) -> BTreeMap<String, (String, String)> {
    let functions = Node(Some(resources)).entries().filter(|(_, resource)| {
        let kind = resource.get("Type").text();
        kind.is_some_and(|kind| FUNCTION_TYPES.contains(&&*kind))
    });
    let names = functions.map(|(resource, node)| {
        let name = node.get("Properties").get("FunctionName").text();
        let name = name.unwrap_or_else(|| resource.to_owned());
        let arn = arn(&name, region);
        (resource.to_owned(), (name, arn))
    });
    names.collect()
}

/// The types of resources that are functions.
const FUNCTION_TYPES: [&str; 2] = ["AWS::Serverless::Function", "AWS::Lambda::Function"];

/// SAM writes `image~1png` for `image/png`, and accepts both.
fn binary_types(api: Node<'_>) -> Vec<String> {
    let types = api.get("BinaryMediaTypes");
    types.texts().map(|kind| kind.replace("~1", "/")).collect()
}

/// The settings of an API that change its events or responses on AWS and are ignored here, by its kind.
const UNFOLLOWED: &[(&str, &str)] = &[("Api", "GatewayResponses")];

fn note_unfollowed(of: &str, kind: &str, node: Node<'_>, notes: &mut Vec<String>) {
    for (_, setting) in UNFOLLOWED.iter().filter(|(known, _)| *known == kind) {
        if !node.get(setting).is_absent() {
            notes.push(format!("{of}: {setting} is ignored here"));
        }
    }
}

#[cfg(test)]
mod tests;
