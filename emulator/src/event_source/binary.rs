//! The binary media types of a REST API, whose bodies are bytes and not text. "Binary media types for
//! REST APIs" in the API Gateway guide:
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-payload-encodings.html>.

use axum::http::{HeaderMap, header};

use super::arrival::text;

/// The type of a request or response without a content type.
const DEFAULT_TYPE: &str = "application/json";

/// Returns whether the media type in a header is one of an API's binary media types.
pub(super) fn is_binary(types: &[String], media_type: Option<&str>) -> bool {
    let essence = essence(media_type.unwrap_or(DEFAULT_TYPE));
    types.iter().any(|known| matches(known, essence))
}

/// Returns whether a client gets bytes for a response in base64: the first media type in its `Accept`
/// header has to be a binary media type. API Gateway does not read further.
pub(super) fn takes_bytes(types: &[String], headers: &HeaderMap) -> bool {
    is_binary(types, first_accepted(headers))
}

/// Returns the note for a developer whose client got base64.
pub(super) fn note(route: &str, types: &[String], headers: &HeaderMap) -> String {
    let accepted = match first_accepted(headers) {
        Some(accepted) => format!(
            "the first type that the client accepts ({})",
            essence(accepted)
        ),
        None => "a client without an Accept header".to_owned(),
    };
    let types = match types {
        [] => "the API has none".to_owned(),
        types => format!("they are {}", types.join(", ")),
    };
    format!(
        "{route}: the client gets the response as base64 text, as from API Gateway, since {accepted} is not among the API's binary media types: {types}\nhint: add `BinaryMediaTypes: [\"*/*\"]` under Globals, Api in the template, or to the properties of its AWS::Serverless::Api"
    )
}

fn first_accepted(headers: &HeaderMap) -> Option<&str> {
    text(headers, header::ACCEPT)?.split(',').next()
}

/// Returns a media type without its parameters.
fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}

/// Returns whether a type matches a pattern, in which `*` stands for any type or subtype. `*/*` matches whatever a client sends,
/// even if it is not a media type.
fn matches(pattern: &str, essence: &str) -> bool {
    if pattern == "*/*" {
        return true;
    }
    let parts = |text: &str| {
        let (kind, subtype) = text.split_once('/')?;
        Some([kind.to_ascii_lowercase(), subtype.to_ascii_lowercase()])
    };
    let (Some(pattern), Some(parts)) = (parts(pattern), parts(essence)) else {
        return false;
    };
    std::iter::zip(pattern, parts).all(|(pattern, part)| pattern == "*" || pattern == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binary(types: &[&str], media_type: Option<&str>) -> bool {
        let types: Vec<_> = types.iter().map(|&known| known.to_owned()).collect();
        is_binary(&types, media_type)
    }

    #[test]
    fn a_type_matches_by_its_name_or_a_wildcard() {
        assert!(binary(&["image/png"], Some("Image/PNG; q=1")));
        assert!(binary(&["a/b", "image/*"], Some("image/png")));
        assert!(binary(&["*/*"], Some("text/plain")));
        assert!(binary(&["*/*"], Some("png")));
        assert!(binary(&["*/*"], None));
        assert!(binary(&["application/json"], None));
        assert!(!binary(&["image/*"], Some("png")));
        assert!(!binary(&["image/png"], None));
        assert!(!binary(&["image/png"], Some("image/jpeg")));
        // The types that a client accepts are not patterns.
        assert!(!binary(&["image/png"], Some("*/*")));
        assert!(!binary(&[], Some("image/png")));
    }

    #[test]
    fn only_the_first_type_that_is_accepted_counts() {
        let types = ["image/png".to_owned()];
        let takes = |accept: &'static str| {
            let accept = axum::http::HeaderValue::from_static(accept);
            takes_bytes(&types, &HeaderMap::from_iter([(header::ACCEPT, accept)]))
        };
        assert!(takes("image/png;q=0.1, text/html"));
        assert!(!takes("text/html, image/png"));
        assert!(!takes_bytes(&types, &HeaderMap::new()));
    }
}
