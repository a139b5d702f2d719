//! A response that a request's body describes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A response, of any status, headers and body.
pub struct Said {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

impl Said {
    /// Reads `{"status": 200, "headers": [["name", "value"]], "body": "aGk="}`: the body is base64, and so is the third
    /// of a header's texts, if it has one, which then counts instead of the second.
    pub fn parse(json: &[u8]) -> Self {
        let said: Value = serde_json::from_slice(json).unwrap();
        let headers = said["headers"].as_array().unwrap();
        Self {
            status: said["status"].as_u64().unwrap().try_into().unwrap(),
            headers: headers.iter().map(header).collect(),
            body: decoded(&said["body"]),
        }
    }
}

fn header(texts: &Value) -> (String, Vec<u8>) {
    let text = |index: usize| texts[index].as_str().unwrap();
    let value = match texts.get(2) {
        Some(base64) => decoded(base64),
        None => text(1).as_bytes().to_vec(),
    };
    (text(0).to_owned(), value)
}

fn decoded(base64: &Value) -> Vec<u8> {
    STANDARD.decode(base64.as_str().unwrap()).unwrap()
}
