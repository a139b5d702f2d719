//! Reads a SAM template: the functions that it deploys, and the routes and URLs that lead to them.
//!
//! The template is written for AWS, not for this machine. Parts without a meaning here are skipped.
//! Resources that are not functions get made-up names. A value that is known only after a deployment
//! (an export of another stack) becomes a note.

mod apis;
mod architecture;
mod auth;
mod authorizer;
mod cors;
mod error;
mod events;
mod for_each;
mod function;
mod gateway;
mod intrinsics;
mod lines;
mod made_up;
mod names;
mod no_effect;
mod notes;
mod openapi;
mod other;
mod permissions;
mod read;
mod route;
mod scalar;
mod sources;
mod stack;
mod value;
mod yaml;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::account::REGION;
pub use apis::ApiSettings;
pub use architecture::Architecture;
pub use auth::Auth;
pub use authorizer::{
    Authorization, AuthorizerEvent, IdentitySource, JwtAuthorizer, LambdaAuthorizer, Pattern,
};
pub use cors::Cors;
pub use error::TemplateError;
pub use function::{Asynchronous, Function};
use intrinsics::Scope;
pub(crate) use intrinsics::partition;
use notes::Notes;
pub use other::{Other, Why};
pub use route::{Api, InvokeMode, Route};
pub use sources::{EventSource, Input, Polled, SourceKind};
use stack::Stack;
use value::{Node, Value};

/// The part of a template that matters on this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The functions, in the order of the template.
    pub functions: Vec<Function>,
    /// The functions that are not run here.
    pub others: Vec<Other>,
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
        // A stack of the CDK names the stacks that it nests.
        let is_template = |path: &PathBuf| {
            let path = path.to_string_lossy();
            path.ends_with(".template.json") && !path.ends_with(".nested.template.json")
        };
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
        Self::of(Stack::read(path)?, region, parameters)
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
        Self::of(Stack::parse(text, None)?, region, parameters)
    }

    /// Reads a stack with those that it nests.
    fn of(
        mut stack: Stack,
        region: &str,
        parameters: &BTreeMap<String, String>,
    ) -> Result<Self, TemplateError> {
        let known = Node(stack.document.get("Parameters"));
        if let Some(name) = parameters.keys().find(|name| known.get(name).is_absent()) {
            let known: Vec<_> = known.entries().map(|(name, _)| name).collect();
            return Err(TemplateError::UnknownParameter {
                name: name.clone(),
                known: known.join(", "),
            });
        }
        let mut template = Self::default();
        stack.load_nested(region, parameters, &mut template.notes);
        stack.name_functions(region, parameters);
        let scope = Scope::new(&stack, region, parameters.clone());
        read::read(&scope, &mut template);
        let others = template.others.iter();
        let others: Vec<_> = others
            .map(|other| format!("{}: {other}", other.name))
            .collect();
        match (template.functions.is_empty(), others.is_empty()) {
            (true, true) => Err(TemplateError::NoFunction),
            (true, false) => Err(TemplateError::OtherFunctions(others.join("; "))),
            (false, _) => Ok(template),
        }
    }

    /// Gives a function its `AWS::Lambda::Url`.
    fn give_url(&mut self, resource: &str, properties: Node<'_>, notes: &mut Notes<'_>) {
        let target = properties.get("TargetFunctionArn").text();
        let target = target.unwrap_or_default();
        let mut functions = self.functions.iter_mut();
        let Some(function) = functions.find(|function| function.is_named(&target)) else {
            notes.push(format!(
                "{resource}: its function is not started here; there is no such URL"
            ));
            return;
        };
        events::set_url(function, resource, properties, notes);
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
            let id = target.get("Id").and_then(Value::text).unwrap_or_default();
            let mut functions = self.functions.iter_mut();
            if let Some(function) = functions.find(|function| function.is_named(id)) {
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

/// The types of resources that are functions.
const FUNCTION_TYPES: [&str; 2] = ["AWS::Serverless::Function", "AWS::Lambda::Function"];

/// SAM writes `image~1png` for `image/png`, and accepts both.
fn binary_types(api: Node<'_>) -> Vec<String> {
    let types = api.get("BinaryMediaTypes");
    types.texts().map(|kind| kind.replace("~1", "/")).collect()
}

/// The settings of an API that change its events or responses on AWS and are ignored here, by its kind.
const UNFOLLOWED: &[(&str, &str)] = &[("Api", "GatewayResponses")];

fn note_unfollowed(of: &str, kind: &str, node: Node<'_>, notes: &mut Notes<'_>) {
    for (_, setting) in UNFOLLOWED.iter().filter(|(known, _)| *known == kind) {
        if !node.get(setting).is_absent() {
            notes.push(format!("{of}: {setting} is ignored here"));
        }
    }
}

#[cfg(test)]
mod tests;
