//! Whatever a client sends, and whatever a function answers, arrives: through each event source, by AWS's rules.

use lambda_wasm_test_support::event_sources::{
    self, HOST, MODELS, Model, check_answer, check_target, config, decoded, expected_headers,
    expected_query, grouped, response, sent,
};
use proptest::prelude::*;

use super::*;

fn event_source(model: Model) -> &'static EventSource {
    match model {
        Model::RestApi => EventSource::REST_API,
        Model::HttpApiPayload1 => EventSource::HTTP_API_PAYLOAD_1,
        Model::HttpApi => EventSource::HTTP_API,
        Model::FunctionUrl => EventSource::FUNCTION_URL,
        Model::Alb { multi_value: true } => EventSource::ALB_MULTI_VALUE,
        Model::Alb { multi_value: false } => EventSource::ALB,
        Model::Lattice => EventSource::LATTICE,
    }
}

/// The same response, as the function's record.
fn record(response: &event_sources::Response) -> api::Response {
    let response = response.clone();
    api::Response {
        status_code: response.status_code,
        headers: response.headers,
        cookies: response.cookies,
        body: response.body,
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_arrives_whole(sent in sent()) {
        for model in MODELS {
            let event = event_sources::event(model, &sent).to_string();
            let request = request(event.as_bytes()).unwrap();
            prop_assert_eq!(request.source, event_source(model));
            prop_assert_eq!(&request.record.method, &sent.method);
            prop_assert_eq!(&request.record.body, &sent.body);
            prop_assert_eq!(&request.record.cookies, &sent.cookies);
            prop_assert_eq!(request.scheme(), "https");
            prop_assert_eq!(request.authority(), Some(HOST));
            let uri = request.path_and_query();
            prop_assert!(uri.parse::<ureq::http::uri::PathAndQuery>().is_ok(), "{}", uri);
            check_target(model, &sent, &uri)?;
            let query = expected_query(model, &sent.query);
            prop_assert_eq!(grouped(decoded(&query)), grouped(request.record.query_parameters.clone()));
            let headers = request.headers().unwrap().map(|(name, value)| (name.to_owned(), value.into_owned()));
            prop_assert_eq!(grouped(headers.collect()), expected_headers(model, &sent));
        }
    }

    #[test]
    fn a_response_arrives_whole(response in response()) {
        for model in MODELS {
            let answer = event_source(model).answer(record(&response)).unwrap();
            check_answer(model, &response, &serde_json::from_slice(&answer).unwrap())?;
        }
    }

    /// No event makes it panic, whatever is wrong with it.
    #[test]
    fn nothing_panics(sent in sent(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for model in MODELS {
            let mut event = event_sources::event(model, &sent).to_string().into_bytes();
            let at = at.index(event.len());
            event[at] = byte;
            let _ = request(&event).map(|request| (request.path_and_query(), request.request_context()));
            event.truncate(at);
            prop_assert!(matches!(request(&event), Err(EventError::NotJson(_))));
        }
    }
}
