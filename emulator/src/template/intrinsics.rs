//! Evaluates the functions of CloudFormation that need only the template: "Intrinsic
//! function reference" and "Pseudo parameters reference" in the CloudFormation guide.
//!
//! A value that is known only after a deployment, such as an export of another stack, stays as it is.

mod conditions;
mod functions;
mod references;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::names::Names;
use super::stack::Stack;
use super::value::Value;

/// A reference of a reference of a reference: no template has more.
const MAX_DEPTH: usize = 64;

/// The name of the stack that nests the others.
const ROOT: &str = "local";

/// The most values that are evaluated, so that conditions that repeat each other end.
const MAX_STEPS: usize = 1_000_000;

/// The most bytes of a text, so that names that repeat each other end: the limit of a template, in
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
const MAX_TEXT: usize = 1_000_000;

/// A text that is evaluated counts as one value for each of so many bytes.
const BYTES_OF_A_STEP: usize = 64;

/// The names of resources with their types. A resource of a nested stack is `Nested.Name`, and one of
/// the outer stack `../Name`.
pub(super) type Used = BTreeMap<String, String>;

/// The values that functions of CloudFormation can refer to.
pub(super) struct Scope<'a> {
    pub stack: &'a Stack,
    pub region: &'a str,
    /// The values of parameters that replace their defaults.
    pub parameters: BTreeMap<String, String>,
    /// `AWS::StackName`.
    name: String,
    /// The names of other resources that are known so far. A resource whose names are being made up
    /// has none, so that a name cannot depend on itself.
    names: RefCell<BTreeMap<String, Option<Rc<Names>>>>,
    /// The other resources that values have referred to, with their types.
    used: RefCell<Used>,
    /// The resources of the outer stack to which the values of parameters refer.
    uses: BTreeMap<String, Used>,
    /// The number of values that have been evaluated.
    steps: Cell<usize>,
}

impl<'a> Scope<'a> {
    /// Creates the scope of a stack.
    pub fn new(stack: &'a Stack, region: &'a str, parameters: BTreeMap<String, String>) -> Self {
        Self {
            stack,
            region,
            parameters,
            name: ROOT.to_owned(),
            names: RefCell::default(),
            used: RefCell::default(),
            uses: BTreeMap::new(),
            steps: Cell::default(),
        }
    }

    /// Returns whether the user can set a parameter: those of a nested stack come from its resource.
    pub fn can_override(&self, parameter: &str) -> bool {
        let parameters = self.template().get("Parameters");
        let known = parameters.and_then(|all| all.get(parameter));
        known.is_some() && self.name == ROOT
    }

    /// Returns the template's document.
    pub fn template(&self) -> &'a Value {
        &self.stack.document
    }

    /// Returns the scope of a stack that this one nests.
    pub fn nested(&self, resource: &str) -> Option<Scope<'a>> {
        self.nested_at(resource, 0)
    }

    fn nested_at(&self, resource: &str, depth: usize) -> Option<Scope<'a>> {
        let stack = self.stack.nested.get(resource)?;
        let mut parameters = BTreeMap::new();
        let mut uses = BTreeMap::new();
        for (name, value, used) in self.given(resource, depth) {
            uses.insert(name.clone(), used);
            parameters.insert(name, value);
        }
        let mut scope = Scope::new(stack, self.region, parameters);
        scope.uses = uses;
        scope.name = format!("{}-{resource}", self.name);
        scope.steps.set(self.steps.get());
        Some(scope)
    }

    /// Returns the values of parameters that a resource gives to its nested stack.
    pub fn parameters_of(&self, resource: &str) -> BTreeMap<String, String> {
        let given = self.given(resource, 0).into_iter();
        given.map(|(name, value, _)| (name, value)).collect()
    }

    /// Returns the parameters that a resource gives to its nested stack, with their values and the
    /// resources to which these refer.
    fn given(&self, resource: &str, depth: usize) -> Vec<(String, String, Used)> {
        let resources = self.template().get("Resources");
        let properties = resources.and_then(|all| all.get(resource)?.get("Properties"));
        let parameters = properties.and_then(|all| all.get("Parameters"));
        let parameters = parameters.into_iter().flat_map(Value::entries);
        let values = parameters.filter_map(|(name, value)| {
            let before = self.used.take();
            let value = self.value(value, depth);
            let used = self.used.replace(before);
            let value = value?;
            let text = match &value {
                Value::List(items) => {
                    let items: Option<Vec<_>> = items.iter().map(Value::text).collect();
                    items?.join(",")
                }
                value => value.text()?.to_owned(),
            };
            Some((name.to_owned(), text, used))
        });
        values.collect()
    }

    /// Returns the resources other than functions to which a value refers, with their types.
    pub fn used_by(&self, value: &Value) -> Used {
        self.used.take();
        self.resolve(value);
        self.used.take()
    }

    /// Counts a value, and returns whether it can still be evaluated.
    fn step(&self, depth: usize) -> bool {
        let steps = self.steps.get();
        self.steps.set(steps + 1);
        depth <= MAX_DEPTH && steps < MAX_STEPS
    }

    /// Returns a value with its functions evaluated, or `None` if it is `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Option<Value> {
        self.value(value, 0)
    }

    /// Counts a text that a function made, and each text in a list of them.
    fn charge(&self, value: Option<Value>) -> Option<Value> {
        let bytes = |value: &Value| value.text().map_or(0, str::len);
        let made = value.iter().flat_map(|value| match value {
            Value::List(items) => items.as_slice(),
            value => std::slice::from_ref(value),
        });
        let bytes: usize = made.map(bytes).sum();
        let steps = self.steps.get();
        self.steps
            .set(steps.saturating_add(bytes / BYTES_OF_A_STEP));
        value
    }

    /// Returns whether a condition of the template holds, or `None` if that is known only after a deployment.
    pub fn condition(&self, name: &str) -> Option<bool> {
        self.named_condition(name, 0)
    }

    fn value(&self, value: &Value, depth: usize) -> Option<Value> {
        if !self.step(depth) {
            return Some(value.clone());
        }
        let depth = depth + 1;
        match value {
            Value::List(items) => {
                let items = items.iter().filter_map(|item| self.value(item, depth));
                Some(Value::List(items.collect()))
            }
            Value::Map(entries) => {
                let entries = entries
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.value(value, depth)?)));
                Some(Value::Map(entries.collect()))
            }
            Value::Intrinsic(name, argument) if canonical(name) == "Ref" => match argument.text() {
                Some("AWS::NoValue") => None,
                Some(name) => {
                    let found = self.charge(self.reference(name, depth));
                    Some(found.unwrap_or_else(|| value.clone()))
                }
                None => Some(value.clone()),
            },
            Value::Intrinsic(name, argument) if canonical(name) == "If" => {
                let [condition, yes, no] = argument.items() else {
                    return Some(value.clone());
                };
                let condition = condition.text();
                match condition.and_then(|name| self.named_condition(name, depth)) {
                    Some(holds) => self.value(if holds { yes } else { no }, depth),
                    None => Some(value.clone()),
                }
            }
            Value::Intrinsic(name, argument) => {
                let argument = self.value(argument, depth)?;
                let done = self.charge(self.carry_out(canonical(name), &argument, depth));
                Some(done.unwrap_or_else(|| value.clone()))
            }
            plain => Some(plain.clone()),
        }
    }

    fn carry_out(&self, function: &str, argument: &Value, depth: usize) -> Option<Value> {
        match (function, argument.items()) {
            ("Sub", []) => self.substitute(argument.text()?, &Value::Null, depth),
            ("Sub", [text, values]) => self.substitute(text.text()?, values, depth),
            ("GetAtt", []) => self.attribute(argument.text()?, depth),
            ("GetAtt", [resource, attribute]) => {
                let name = format!("{}.{}", resource.text()?, attribute.text()?);
                self.attribute(&name, depth)
            }
            ("FindInMap", [map, first, second, rest @ ..]) => {
                let [map, first, second] = [map.text()?, first.text()?, second.text()?];
                let mappings = self.template().get("Mappings");
                let found = mappings.and_then(|all| all.get(map)?.get(first)?.get(second));
                // https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-findinmap-enhancements.html
                let default = rest.first().and_then(|rest| rest.get("DefaultValue"));
                self.value(found.or(default)?, depth)
            }
            _ => functions::carry_out(function, argument, self.region),
        }
    }

    /// `Fn::Sub`: `${Name}` is replaced, and `${!Name}` stands for `${Name}`.
    fn substitute(&self, text: &str, values: &Value, depth: usize) -> Option<Value> {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            done.push_str(before);
            let (name, after) = after.split_once('}')?;
            rest = after;
            if let Some(literal) = name.strip_prefix('!') {
                done.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let name = name.trim();
            let value = match values.get(name) {
                Some(value) => value.clone(),
                None => {
                    let reference = self.reference(name, depth);
                    reference.or_else(|| self.attribute(name, depth))?
                }
            };
            done.push_str(value.text()?);
            if done.len() > MAX_TEXT {
                return None;
            }
        }
        done.push_str(rest);
        Some(Value::Text(done))
    }
}

/// Returns the domain of AWS's endpoints in a region.
pub(super) fn url_suffix(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    }
}

/// Returns the partition of AWS for a region.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "aws-cn",
        region if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// Returns the name of a function without the prefix of its two forms (`!Sub`, `Fn::Sub`).
fn canonical(name: &str) -> &str {
    let name = name.strip_prefix('!').unwrap_or(name);
    name.strip_prefix("Fn::").unwrap_or(name)
}
