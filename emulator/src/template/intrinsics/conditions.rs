//! The conditions of a template:
//! <https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html>.

use super::{Scope, Value, canonical};

impl Scope<'_> {
    /// Returns whether a condition holds, or `None` if that is known only after a deployment.
    pub(super) fn named_condition(&self, name: &str, depth: usize) -> Option<bool> {
        let condition = self.template().get("Conditions")?.get(name)?;
        self.holds(condition, depth)
    }

    fn holds(&self, condition: &Value, depth: usize) -> Option<bool> {
        if !self.step(depth) {
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
