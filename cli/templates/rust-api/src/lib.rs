wit_bindgen::generate!({ path: "wit", world: "api-function", generate_all });

use exports::lambda::function::api::{Context, Failure, Guest, Request, Response};

struct Function;
export!(Function);

impl Guest for Function {
    fn handle(request: Request, _context: Context) -> Result<Response, Failure> {
        let (status_code, text) = match request.path.split('/').collect::<Vec<_>>()[..] {
            ["", ""] => (200, "Hello, world!\n".to_owned()),
            ["", "hello", name] => (200, format!("Hello, {name}!\n")),
            _ => (404, "not found\n".to_owned()),
        };
        Ok(Response {
            status_code,
            headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
            cookies: vec![],
            body: text.into_bytes(),
        })
    }
}
