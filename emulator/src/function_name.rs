//! The names by which Lambda takes a function: its name, its ARN or the end of its ARN, each with or
//! without a version or an alias.
//!
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_RequestSyntax>

/// The part of an ARN before the name of its function.
const KIND: &str = "function:";

/// Splits a name or an ARN into the name of the function, and its version or alias.
pub(crate) fn split(text: &str) -> (&str, Option<&str>) {
    of_arn(text).unwrap_or_else(|| without_qualifier(text))
}

/// Returns the name of the function of an ARN, and its version or alias. Returns `None` if the text is
/// not the ARN of a function.
pub(crate) fn of_arn(text: &str) -> Option<(&str, Option<&str>)> {
    // A name may end with `function` too.
    let mut places = text.match_indices(KIND).map(|(place, _)| place);
    let place = places.find(|place| matches!(text[..*place].chars().last(), None | Some(':')))?;
    Some(without_qualifier(&text[place + KIND.len()..]))
}

fn without_qualifier(name: &str) -> (&str, Option<&str>) {
    match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_has_a_name_with_or_without_an_arn_and_a_qualifier() {
        for start in [
            "",
            "function:",
            "1:function:",
            "arn:aws:lambda:r:1:function:",
        ] {
            for name in ["Echo", "auth-function", "function-auth"] {
                let text = format!("{start}{name}");
                assert_eq!(split(&text), (name, None), "{text}");
                for qualifier in ["live", "$LATEST", "live-function"] {
                    let text = format!("{text}:{qualifier}");
                    // Without an ARN before it, `auth-function:live` is not the end of an ARN.
                    assert_eq!(split(&text), (name, Some(qualifier)), "{text}");
                }
            }
        }
        let arn = "arn:aws:lambda:us-east-1:1:function:function:live";
        assert_eq!(of_arn(arn), Some(("function", Some("live"))));
    }

    #[test]
    fn other_arns_do_not_have_a_function() {
        for text in ["arn:aws:sqs:us-east-1:1:my-function", "Echo:live", ""] {
            assert_eq!(of_arn(text), None, "{text}");
        }
    }
}
