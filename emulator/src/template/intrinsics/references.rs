//! `Ref` and `Fn::GetAtt`: the values of parameters, resources and nested stacks.

use std::rc::Rc;

use super::super::FUNCTION_TYPES;
use super::super::names::Names;
use super::{Scope, Value, partition, url_suffix};
use crate::account::ACCOUNT;

impl Scope<'_> {
    /// Returns the value of `Ref` of a name.
    pub(super) fn reference(&self, name: &str, depth: usize) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        match name {
            "AWS::Region" => return text(self.region),
            "AWS::AccountId" => return text(ACCOUNT),
            "AWS::Partition" => return text(partition(self.region)),
            "AWS::URLSuffix" => return text(url_suffix(self.region)),
            "AWS::StackName" => return text(&self.name),
            "AWS::StackId" => {
                let (partition, region) = (partition(self.region), self.region);
                let id = "51af3dc0-da77-11e4-872e-1234567db123";
                return text(&format!(
                    "arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/{}/{id}",
                    self.name
                ));
            }
            _ => {}
        }
        if let Some((function, _)) = self.stack.functions.get(name) {
            return text(function);
        }
        if let Some(value) = self.generated(name, depth) {
            return Some(value);
        }
        let parameters = self.template().get("Parameters");
        let Some(parameter) = parameters.and_then(|all| all.get(name)) else {
            let names = self.names(name, depth)?;
            self.use_of(name);
            return text(&names.reference);
        };
        if let Some(uses) = self.uses.get(name) {
            let uses = uses.iter();
            let uses = uses.map(|(resource, kind)| (format!("../{resource}"), kind.clone()));
            self.used.borrow_mut().extend(uses);
        }
        let given = self.parameters.get(name);
        let given = given.map(|value| Value::Text(value.clone()));
        let kind = parameter.get("Type").and_then(Value::text);
        // The default is the name of a parameter in AWS's Parameter Store.
        let is_stored = kind.is_some_and(|kind| kind.starts_with("AWS::SSM::Parameter::Value<"));
        let default = parameter.get("Default").filter(|_| !is_stored);
        let default = given.as_ref().or(default)?;
        match (default, kind.unwrap_or_default()) {
            (Value::Text(default) | Value::Literal(default), kind)
                if kind == "CommaDelimitedList" || kind.starts_with("List<") =>
            {
                let items = default
                    .split(',')
                    .map(|item| Value::Text(item.trim().to_owned()));
                Some(Value::List(items.collect()))
            }
            // A Default without a value is the empty text.
            (Value::Null, _) => text(""),
            (default, _) => Some(default.clone()),
        }
    }

    /// Returns the value of a `Ref` that only SAM knows: `Function.Alias`, `Function.Version` and
    /// `Api.Stage`. The page of the generated resources has them.
    fn generated(&self, name: &str, depth: usize) -> Option<Value> {
        let (resource, generated) = name.split_once('.')?;
        let resources = self.template().get("Resources")?;
        let properties = resources.get(resource)?.get("Properties")?;
        let property = |key: &str| {
            let value = self.value(properties.get(key)?, depth)?;
            value.text().map(str::to_owned)
        };
        let arn = || Some(&self.stack.functions.get(resource)?.1);
        let text = match generated {
            "Alias" => format!("{}:{}", arn()?, property("AutoPublishAlias")?),
            "Version" => format!("{}:1", arn()?),
            "Stage" => property("StageName")?,
            _ => return None,
        };
        Some(Value::Text(text))
    }

    /// Returns the value of `Fn::GetAtt` of a resource and its attribute.
    pub(super) fn attribute(&self, name: &str, depth: usize) -> Option<Value> {
        let (resource, attribute) = name.split_once('.')?;
        if let Some((_, arn)) = self.stack.functions.get(resource) {
            return (attribute == "Arn").then(|| Value::Text(arn.clone()));
        }
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            return self.output(resource, output, depth);
        }
        let names = self.names(resource, depth)?;
        let value = names.attribute(attribute)?;
        self.use_of(resource);
        Some(Value::Text(value.to_owned()))
    }

    /// Notes that a value refers to a resource.
    fn use_of(&self, resource: &str) {
        let kind = self.kind(resource).unwrap_or_default().to_owned();
        self.used.borrow_mut().insert(resource.to_owned(), kind);
    }

    /// Returns an output of a nested stack. The resources to which it refers are used.
    fn output(&self, resource: &str, name: &str, depth: usize) -> Option<Value> {
        let scope = self.nested_at(resource, depth)?;
        let outputs = scope.template().get("Outputs")?;
        let value = outputs.get(name)?.get("Value")?;
        let value = scope.value(value, depth);
        self.steps.set(scope.steps.get());
        let used = scope.used.take().into_iter();
        let used = used.map(|(name, kind)| match name.strip_prefix("../") {
            Some(own) => (own.to_owned(), kind),
            None => (format!("{resource}.{name}"), kind),
        });
        self.used.borrow_mut().extend(used);
        value.filter(|value| !matches!(value, Value::Intrinsic(..)))
    }

    /// Returns the made-up names of a resource that is not a function.
    fn names(&self, resource: &str, depth: usize) -> Option<Rc<Names>> {
        let kind = self.kind(resource)?;
        if let Some(known) = self.names.borrow().get(resource) {
            return known.clone();
        }
        self.names.borrow_mut().insert(resource.to_owned(), None);
        let resources = self.template().get("Resources");
        let properties = resources.and_then(|all| all.get(resource)?.get("Properties"));
        let text = |key: &str| {
            let value = self.value(properties?.get(key)?, depth)?;
            value.text().map(str::to_owned)
        };
        // A value uses this resource, but not those of its name.
        let used = self.used.borrow().clone();
        let names = Some(Rc::new(Names::of(kind, resource, self.region, &text)));
        self.used.replace(used);
        self.names
            .borrow_mut()
            .insert(resource.to_owned(), names.clone());
        names
    }

    /// Returns the type of a resource that is not a function, also of one that SAM adds:
    /// <https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html>.
    pub fn kind(&self, resource: &str) -> Option<&str> {
        let kind = |name: &str| {
            self.template()
                .get("Resources")?
                .get(name)?
                .get("Type")?
                .text()
        };
        let is_sam = |name: &str| kind(name) == Some("AWS::Serverless::Function");
        match (kind(resource), resource) {
            (Some(kind), _) => Some(kind).filter(|kind| !FUNCTION_TYPES.contains(kind)),
            (None, "ServerlessRestApi") => Some("AWS::Serverless::Api"),
            (None, "ServerlessHttpApi") => Some("AWS::Serverless::HttpApi"),
            (None, name) if name.strip_suffix("Role").is_some_and(is_sam) => Some("AWS::IAM::Role"),
            (None, name) if name.strip_suffix("Url").is_some_and(is_sam) => {
                Some("AWS::Lambda::Url")
            }
            _ => None,
        }
    }
}
