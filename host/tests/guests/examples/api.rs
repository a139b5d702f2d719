//! An `api-function` that answers with what it was asked. Its path says what else it does.

wit_bindgen::generate!({ path: "../../../wit", world: "api-function", generate_all });

use exports::lambda::function::api::{Context, Failure, Guest, Request, Response};

struct Api;
export!(Api);

impl Guest for Api {
    fn handle(request: Request, _context: Context) -> Result<Response, Failure> {
        let query = |name: &str| {
            request
                .query_parameters
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let mut response = Response {
            status_code: query("status")
                .and_then(|status| status.parse().ok())
                .unwrap_or(200),
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            cookies: vec![],
            body: vec![],
        };
        match request.path.as_str() {
            // The request as Rust's debug format has it, with the body as text.
            "/body" => response.body = request.body,
            "/binary" => response.body = vec![0, 159, 146, 150],
            "/headers" => {
                response
                    .headers
                    .push(("X-Twice".to_owned(), "1".to_owned()));
                response
                    .headers
                    .push(("x-twice".to_owned(), "2".to_owned()));
                response.cookies = vec!["a=1; Secure".to_owned(), "b=2".to_owned()];
            }
            "/bad-header" => response
                .headers
                .push(("X-Bad".to_owned(), "a\r\nSet-Cookie: b".to_owned())),
            "/bad-name" => response
                .headers
                .push(("bad name".to_owned(), "a".to_owned())),
            "/fail" => {
                return Err(Failure {
                    error_type: "Refused".to_owned(),
                    error_message: "by the function".to_owned(),
                    stack_trace: vec![],
                });
            }
            _ => response.body = format!("{request:#?}").into_bytes(),
        }
        Ok(response)
    }
}
