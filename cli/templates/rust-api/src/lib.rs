use lambda_wasm_guest::{Context, Request, Response, Result, api};

api!(handle);

fn handle(request: Request, _context: Context) -> Result<Response> {
    Ok(match request.path.split('/').collect::<Vec<_>>()[..] {
        ["", ""] => Response::text(200, "Hello, world!\n"),
        ["", "hello", name] => Response::text(200, format!("Hello, {name}!\n")),
        _ => Response::text(404, "not found\n"),
    })
}
