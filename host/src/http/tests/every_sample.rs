//! All of AWS's samples, so that none is forgotten.

use lambda_wasm_test_support::aws_events::{sample, samples};

use super::*;

/// The event sources of the samples that are requests. Their tests have the whole requests.
const REQUESTS: [(&str, &EventSource); 19] = [
    ("alb-lambda-target-request-headers-only", EventSource::ALB),
    (
        "alb-lambda-target-request-multivalue-headers",
        EventSource::ALB_MULTI_VALUE,
    ),
    ("apigw-console-request", EventSource::REST_API),
    ("apigw-console-test-request", EventSource::REST_API),
    ("apigw-request", EventSource::REST_API),
    ("apigw-request-catch-all", EventSource::REST_API),
    (
        "apigw-request-multi-value-parameters",
        EventSource::REST_API,
    ),
    ("apigw-restapi-openapi-request", EventSource::REST_API),
    ("apigw-sam-http-request", EventSource::HTTP_API),
    ("apigw-sam-rest-request", EventSource::REST_API),
    ("apigw-v2-request-iam", EventSource::HTTP_API),
    ("apigw-v2-request-jwt-authorizer", EventSource::HTTP_API),
    ("apigw-v2-request-lambda-authorizer", EventSource::HTTP_API),
    (
        "apigw-v2-request-multi-value-parameters",
        EventSource::HTTP_API,
    ),
    ("apigw-v2-request-no-authorizer", EventSource::HTTP_API),
    ("vpc-lattice-v1-request", EventSource::LATTICE),
    ("vpc-lattice-v2-request", EventSource::LATTICE),
    ("vpc-lattice-v2-request-base64", EventSource::LATTICE),
    (
        "vpc-lattice-v2-request-roles-anywhere",
        EventSource::LATTICE,
    ),
];

/// The rest is of queues, buckets, schedules and the like, of WebSockets, and what authorizers are asked.
#[test]
fn is_a_request_of_its_event_source_or_an_event() {
    let all = samples("");
    assert!(all.len() > 150, "{all:?}");
    for name in &all {
        let event = sample(name);
        let found = request(event.as_bytes()).map(|request| request.source);
        let expected = REQUESTS.iter().find(|(request, _)| request == name);
        match (found, expected) {
            (Ok(source), Some((_, expected))) => assert_eq!(source, *expected, "{name}"),
            (Err(EventError::NotHttp | EventError::WebSocket), None) => {}
            (Err(error), _) => panic!("{name}: {error}"),
            (Ok(source), None) => panic!("{name}: {source:?}"),
        }
    }
    for (name, _) in REQUESTS {
        assert!(all.iter().any(|known| known == name), "{name}");
    }
}

/// Each file of the crate that is named after an event source is a request that is listed, or known not to be one.
#[test]
fn every_http_sample_is_accounted_for() {
    let no_requests = [
        "alb-lambda-target-response",
        "apigw-response",
        "vpc-lattice-response",
    ];
    let prefixes = ["alb-", "apigw-", "lambda-function-url", "vpc-lattice-"];
    for name in prefixes.iter().flat_map(|prefix| samples(prefix)) {
        let is_known = REQUESTS.iter().any(|(request, _)| *request == name)
            || no_requests.contains(&&*name)
            || name.contains("custom-auth")
            || name.contains("websocket");
        assert!(is_known, "{name} is new: is it a request?");
    }
}
