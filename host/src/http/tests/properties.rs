//! Whatever a client sends, and whatever a function answers, arrives: through each event source, by AWS's rules.

mod arrival;
mod models;
mod shapes;

use proptest::prelude::*;

use self::arrival::*;
use self::models::Model;
use self::shapes::{Sent, config, response, sent};
use super::*;

impl Model {
    fn event_source(self) -> &'static EventSource {
        match self {
            Self::RestApi => EventSource::REST_API,
            Self::HttpApiPayload1 => EventSource::HTTP_API_PAYLOAD_1,
            Self::HttpApi => EventSource::HTTP_API,
            Self::FunctionUrl => EventSource::FUNCTION_URL,
            Self::Alb { multi_value: true } => EventSource::ALB_MULTI_VALUE,
            Self::Alb { multi_value: false } => EventSource::ALB,
            Self::Lattice => EventSource::LATTICE,
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_arrives_whole(sent in sent()) {
        for model in MODELS {
            let event = models::event(model, &sent).to_string();
            let request = request(event.as_bytes()).unwrap();
            prop_assert_eq!(request.source, model.event_source());
            prop_assert_eq!(&request.record.method, &sent.method);
            prop_assert_eq!(&request.record.body, &sent.body);
            prop_assert_eq!(&request.record.cookies, &sent.cookies);
            prop_assert_eq!(request.scheme(), "https");
            prop_assert_eq!(request.authority(), Some(models::HOST));
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
            let answer = model.event_source().answer(response.clone()).unwrap();
            check_answer(model, &response, &serde_json::from_slice(&answer).unwrap())?;
        }
    }

    /// No event makes it panic, whatever is wrong with it.
    #[test]
    fn nothing_panics(sent in sent(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for model in MODELS {
            let mut event = models::event(model, &sent).to_string().into_bytes();
            let at = at.index(event.len());
            event[at] = byte;
            let _ = request(&event).map(|request| (request.path_and_query(), request.request_context()));
            event.truncate(at);
            prop_assert!(matches!(request(&event), Err(EventError::NotJson(_))));
        }
    }
}
