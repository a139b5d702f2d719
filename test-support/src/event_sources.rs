//! Models of the event sources, and the requests and responses that property tests send through them.

mod arrival;
mod models;
mod shapes;

pub use arrival::{
    MODELS, Pairs, check_answer, check_target, decoded, expected_headers, expected_query, grouped,
    joined,
};
pub use models::{HOST, Model, event};
pub use shapes::{Response, Sent, config, response, sent};
