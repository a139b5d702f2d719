//! A web application that knows nothing of Lambda.

use axum::{Router, extract::Path, routing::get};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let hello = get(async |Path(name): Path<String>| format!("Hello, {name}!\n"));
    let application = Router::new().route("/hello/{name}", hello);
    // Where the adapter looks for it, also to see whether it is ready.
    let application = application.route("/", get("ready"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    axum::serve(listener, application).await
}
