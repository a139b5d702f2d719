//! At its best on one CPU: tokio on the current thread, where its HTTP client keeps its connection.

use lambda_http::{Error, run, service_fn};
use peer_lambda_http::answer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}
