//! Evaluates the functions of CloudFormation that need only the template: "Intrinsic
//! function reference" and "Pseudo parameters reference" in the CloudFormation guide.
//!
//! A value that is known only after a deployment, such as the name of a table, stays as it is.

use std::collections::BTreeMap;

use super::value::Value;
use crate::account::ACCOUNT;

/// A reference of a reference of a reference: no template has more.
const MAX_DEPTH: usize = 64;

/// The values that functions of CloudFormation can refer to.
pub(super) struct Scope<'a> {
    /// The whole template.
    pub template: &'a Value,
    pub region: &'a str,
    /// The values of parameters that replace their defaults.
    pub parameters: &'a BTreeMap<String, String>,
    /// The functions of the template: their names and ARNs, by their resources' names.
    pub functions: BTreeMap<String, (String, String)>,
}

impl Scope<'_> {
    /// Returns a value with its functions evaluated, or `None` if it is `AWS::NoValue`.
    pub fn resolve(&self, value: &Value) -> Option<Value> {
        self.value(value, 0)
    }

    /// Returns whether a condition of the template holds, or `None` if that is known only after a deployment.
    pub fn condition(&self, name: &str) -> Option<bool> {
        self.named_condition(name, 0)
    }

    fn value(&self, value: &Value, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
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
                Some(name) => Some(self.reference(name).unwrap_or_else(|| value.clone())),
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
                let done = self.carry_out(canonical(name), &argument, depth);
                Some(done.unwrap_or_else(|| value.clone()))
            }
            plain => Some(plain.clone()),
        }
    }

    fn carry_out(&self, function: &str, argument: &Value, depth: usize) -> Option<Value> {
        match (function, argument.items()) {
            ("Sub", []) => self.substitute(argument.text()?, &Value::Null),
            ("Sub", [text, values]) => self.substitute(text.text()?, values),
            ("GetAtt", []) => self.attribute(argument.text()?),
            ("GetAtt", [resource, attribute]) => {
                self.attribute(&format!("{}.{}", resource.text()?, attribute.text()?))
            }
            ("Join", [by, Value::List(parts)]) => {
                let parts: Option<Vec<_>> = parts.iter().map(Value::text).collect();
                Some(Value::Text(parts?.join(by.text()?)))
            }
            ("Split", [by, text]) => {
                let parts = text.text()?.split(by.text()?);
                let parts = parts.map(|part| Value::Text(part.to_owned()));
                Some(Value::List(parts.collect()))
            }
            ("Select", [index, Value::List(items)]) => {
                items.get(index.text()?.parse::<usize>().ok()?).cloned()
            }
            ("FindInMap", [map, first, second]) => {
                let mappings = self.template.get("Mappings")?;
                let map = mappings.get(map.text()?)?.get(first.text()?)?;
                self.value(map.get(second.text()?)?, depth)
            }
            _ => None,
        }
    }

    /// Returns the value of `Ref` of a name.
    fn reference(&self, name: &str) -> Option<Value> {
        let text = |text: &str| Some(Value::Text(text.to_owned()));
        match name {
            "AWS::Region" => return text(self.region),
            "AWS::AccountId" => return text(ACCOUNT),
            "AWS::Partition" => return text(partition(self.region)),
            "AWS::URLSuffix" if self.region.starts_with("cn-") => return text("amazonaws.com.cn"),
            "AWS::URLSuffix" => return text("amazonaws.com"),
            "AWS::StackName" => return text("local"),
            "AWS::StackId" => {
                let (partition, region) = (partition(self.region), self.region);
                let id = "51af3dc0-da77-11e4-872e-1234567db123";
                return text(&format!(
                    "arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/local/{id}"
                ));
            }
            _ => {}
        }
        if let Some((function, _)) = self.functions.get(name) {
            return text(function);
        }
        let parameter = self.template.get("Parameters")?.get(name)?;
        let given = self.parameters.get(name);
        let given = given.map(|value| Value::Text(value.clone()));
        let kind = parameter.get("Type").and_then(Value::text);
        // The default is the name of a parameter in AWS's Parameter Store.
        let is_stored = kind.is_some_and(|kind| kind.starts_with("AWS::SSM::Parameter::Value<"));
        let default = parameter.get("Default").filter(|_| !is_stored);
        let default = given.as_ref().or(default)?;
        match (default, kind.unwrap_or_default()) {
            (Value::Text(default), kind)
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

    fn attribute(&self, name: &str) -> Option<Value> {
        let (resource, attribute) = name.split_once('.')?;
        let (_, arn) = self.functions.get(resource)?;
        (attribute == "Arn").then(|| Value::Text(arn.clone()))
    }

    /// `Fn::Sub`: `${Name}` is replaced, and `${!Name}` stands for `${Name}`.
    fn substitute(&self, text: &str, values: &Value) -> Option<Value> {
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
                None => self.reference(name).or_else(|| self.attribute(name))?,
            };
            done.push_str(value.text()?);
        }
        done.push_str(rest);
        Some(Value::Text(done))
    }

    fn named_condition(&self, name: &str, depth: usize) -> Option<bool> {
        let condition = self.template.get("Conditions")?.get(name)?;
        self.holds(condition, depth)
    }

    fn holds(&self, condition: &Value, depth: usize) -> Option<bool> {
        if depth > MAX_DEPTH {
            return None;
        }
        let depth = depth + 1;
        let (function, argument) = match condition {
            Value::Intrinsic(name, argument) => (canonical(name), &**argument),
            Value::Map(_) => ("Condition", condition.get("Condition")?),
            _ => return None,
        };
        let mut all = argument.items().iter().map(|each| self.holds(each, depth));
        match (function, argument.items()) {
            ("Condition", []) => self.named_condition(argument.text()?, depth),
            ("Equals", [one, other]) => {
                let [one, other] = [one, other].map(|value| self.value(value, depth));
                Some(one?.text()? == other?.text()?)
            }
            ("Not", [_]) => Some(!all.next()??),
            ("And", _) => all.try_fold(true, |so_far, each| Some(so_far & each?)),
            ("Or", _) => all.try_fold(false, |so_far, each| Some(so_far | each?)),
            _ => None,
        }
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
