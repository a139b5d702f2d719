//! The policies that authorizers return: "Output from an API Gateway Lambda authorizer" in
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html>.

use serde_json::Value;

/// The decision of a policy about a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

/// The action of all requests.
const ACTION: &str = "execute-api:Invoke";

/// Returns the decision of a policy about a request with this ARN, or the reason why it is not a policy. A `Condition` counts as
/// met.
pub(super) fn evaluate(policy: &Value, arn: &str) -> Result<Decision, String> {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => &statements[..],
        statement @ Value::Object(_) => std::slice::from_ref(statement),
        _ => return Err("its policy does not have a Statement".to_owned()),
    };
    let mut decision = Decision::NotAllowed;
    for statement in statements {
        let action = |pattern: &str| {
            let pattern = pattern.to_ascii_lowercase();
            matches(&pattern, &ACTION.to_ascii_lowercase())
        };
        let applies = applies(statement, "Action", "NotAction", action)?
            && applies(statement, "Resource", "NotResource", |pattern| {
                matches(pattern, arn)
            })?;
        match statement["Effect"].as_str() {
            Some("Deny") if applies => return Ok(Decision::Denied),
            Some("Allow") if applies => decision = Decision::Allowed,
            Some("Allow" | "Deny") => {}
            _ => return Err("the Effect of a statement is not Allow or Deny".to_owned()),
        }
    }
    Ok(decision)
}

/// Returns whether a statement applies by one of its members, or by its negation.
fn applies(
    statement: &Value,
    member: &str,
    negation: &str,
    is_met: impl Fn(&str) -> bool,
) -> Result<bool, String> {
    let any = |value: &Value| match value {
        Value::String(pattern) => Some(is_met(pattern)),
        Value::Array(patterns) => {
            let met = patterns.iter().map(|pattern| pattern.as_str().map(&is_met));
            let met: Option<Vec<_>> = met.collect();
            Some(met?.contains(&true))
        }
        _ => None,
    };
    let not = || any(&statement[negation]).map(|is_met| !is_met);
    let applies = any(&statement[member]).or_else(not);
    applies.ok_or_else(|| format!("a statement of its policy does not have a valid {member}"))
}

/// Returns whether a text matches a pattern, in which `*` stands for any text and `?` for a character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut read) = (0, 0);
    // The place of the last `*`, and the text that it has taken so far.
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(c) if *c == b'?' || *c == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ARN: &str = "arn:aws:execute-api:us-east-1:123456789012:local00000/Prod/GET/pets/7";

    fn decision(statements: Value) -> Result<Decision, String> {
        evaluate(&json!({ "Statement": statements }), ARN)
    }

    fn statement(effect: &str, resource: &str) -> Value {
        json!({ "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource })
    }

    #[test]
    fn a_resource_may_have_wildcards() {
        for resource in [ARN, "*", "arn:aws:execute-api:*/Prod/GET/*", "*/GET/pets/?"] {
            let decided = decision(json!([statement("Allow", resource)]));
            assert_eq!(decided, Ok(Decision::Allowed), "{resource}");
        }
        for resource in [
            "",
            "*/POST/*",
            "arn:aws:execute-api:*/Prod/GET/pets",
            "*/GET/pets/??",
        ] {
            let decided = decision(json!([statement("Allow", resource)]));
            assert_eq!(decided, Ok(Decision::NotAllowed), "{resource}");
        }
    }

    #[test]
    fn a_denial_wins() {
        let both = json!([statement("Deny", "*/pets/*"), statement("Allow", "*")]);
        assert_eq!(decision(both), Ok(Decision::Denied));
        assert_eq!(decision(json!([])), Ok(Decision::NotAllowed));
        let other = json!({ "Effect": "Allow", "Action": ["s3:*"], "Resource": ["*"] });
        assert_eq!(decision(other), Ok(Decision::NotAllowed));
        let all = json!({ "Effect": "Allow", "Action": ["execute-api:*"], "NotResource": "x" });
        assert_eq!(decision(all), Ok(Decision::Allowed));
    }

    #[test]
    fn malformed_policies_are_refused() {
        assert!(evaluate(&json!({}), ARN).is_err());
        assert!(decision(json!([{ "Effect": "Allow", "Resource": "*" }])).is_err());
        assert!(decision(json!([statement("allow", "*")])).is_err());
    }
}
