//! A Lambda that answers as a test says.

use std::thread::{self, JoinHandle};

use lambda_wasm_test_support::{
    Request, ScriptedApi,
    signature::{Signed, verify},
};
use serde_json::{Value, json};

use crate::deploy::{Output, ROLE, SECRET};

pub const ARN: &str = "arn:aws:lambda:eu-central-1:123456789012:function:jobs";

/// An answer: the status, more headers, and the body.
pub type Answer = (&'static str, String, String);

/// An answer with JSON.
pub fn answer(status: &'static str, body: &Value) -> Answer {
    (status, String::new(), body.to_string())
}

/// An error as Lambda sends it.
pub fn error(status: &'static str, kind: &str, message: &str) -> Answer {
    let headers = format!("x-amzn-ErrorType: {kind}\r\n");
    (status, headers, json!({ "Message": message }).to_string())
}

pub fn not_found() -> Answer {
    error(
        "404 Not Found",
        "ResourceNotFoundException",
        "Function not found",
    )
}

/// The configuration of the function, with these fields.
pub fn configuration(more: &Value) -> Answer {
    let mut fields = json!({
        "FunctionName": "jobs", "FunctionArn": ARN, "Runtime": "provided.al2023", "Role": ROLE,
        "Handler": "handler", "MemorySize": 128, "Timeout": 3, "CodeSha256": "old", "State": "Active",
        "LastUpdateStatus": "Successful",
    });
    let more = more.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    answer("200 OK", &fields)
}

/// Answers one request after the other, each over a connection of its own. Returns the endpoint, and what was sent.
pub fn lambda(answers: Vec<Answer>) -> (String, JoinHandle<Vec<Request>>) {
    let api = ScriptedApi::start();
    let endpoint = format!("http://{}", api.address());
    let server = thread::spawn(move || {
        let mut requests = Vec::new();
        for (status, headers, body) in answers {
            let mut connection = api.accept();
            requests.push(connection.request());
            connection.answer(status, &format!("{headers}Connection: close\r\n"), &body);
        }
        requests
    });
    (endpoint, server)
}

/// The methods and the ends of the paths of requests, whose signatures are checked.
pub fn lines(requests: &[Request]) -> Vec<String> {
    let line = |request: &Request| {
        let Signed {
            key,
            region,
            service,
            ..
        } = verify(request, SECRET);
        assert_eq!(
            [&*key, &*region, &*service],
            ["AKID", "eu-central-1", "lambda"]
        );
        let mut words = request.line.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        format!("{method} {}", path.rsplit('/').next().unwrap())
    };
    requests.iter().map(line).collect()
}

#[track_caller]
pub fn fails(output: &Output, said: &[&str]) {
    assert_eq!(output.code, Some(1), "{output:?}");
    assert_eq!(output.stdout, "");
    for said in said {
        assert!(output.stderr.contains(said), "{output:?}");
    }
}
