//! `GET /hello/{name}` answers `Hello, NAME!`.

wit_bindgen::generate!({ path: "../wit", world: "api-function", generate_all });

use exports::lambda::function::api::{Context, Failure, Guest, Request, Response};

struct Hello;
export!(Hello);

impl Guest for Hello {
    fn handle(request: Request, _context: Context) -> Result<Response, Failure> {
        let name = request
            .path_parameters
            .iter()
            .find(|(key, _)| key == "name");
        let (status_code, text) = match name {
            Some((_, name)) => (200, format!("Hello, {name}!\n")),
            None => (400, "'name' param not found\n".to_owned()),
        };
        Ok(Response {
            status_code,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            cookies: vec![],
            body: text.into_bytes(),
        })
    }
}
