//! Whatever a client sends, and whatever a function answers, arrives: through each front door, by AWS's rules.

mod arrival;
mod doors;
mod shapes;

use proptest::prelude::*;

use self::arrival::*;
use self::shapes::{Sent, config, response, sent};
use super::*;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_request_arrives_whole(sent in sent()) {
        for door in DOORS {
            let event = doors::event(door, &sent).to_string();
            let request = request(event.as_bytes()).unwrap();
            prop_assert_eq!(request.source, door);
            prop_assert_eq!(&request.record.method, &sent.method);
            prop_assert_eq!(&request.record.body, &sent.body);
            prop_assert_eq!(&request.record.cookies, &sent.cookies);
            prop_assert_eq!(request.scheme(), "https");
            prop_assert_eq!(request.authority(), Some(doors::HOST));
            let uri = request.path_and_query();
            prop_assert!(uri.parse::<ureq::http::uri::PathAndQuery>().is_ok(), "{}", uri);
            check_target(door, &sent, &uri)?;
            let query = expected_query(door, &sent.query);
            prop_assert_eq!(grouped(decoded(&query)), grouped(request.record.query_parameters.clone()));
            let headers = request.headers().unwrap().map(|(name, value)| (name.to_owned(), value.into_owned()));
            prop_assert_eq!(grouped(headers.collect()), expected_headers(door, &sent));
        }
    }

    #[test]
    fn a_response_arrives_whole(response in response()) {
        for door in DOORS {
            let answer = door.answer(response.clone()).unwrap();
            check_answer(door, &response, &serde_json::from_slice(&answer).unwrap())?;
        }
    }

    /// No event makes it panic, whatever is wrong with it.
    #[test]
    fn nothing_panics(sent in sent(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        for door in DOORS {
            let mut event = doors::event(door, &sent).to_string().into_bytes();
            let at = at.index(event.len());
            event[at] = byte;
            let _ = request(&event).map(|request| (request.path_and_query(), request.request_context()));
            event.truncate(at);
            prop_assert!(matches!(request(&event), Err(EventError::NotJson(_))));
        }
    }
}
