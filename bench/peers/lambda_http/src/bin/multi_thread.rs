//! As its README has it: multi-threaded tokio.

use lambda_http::{Error, run, service_fn};
use peer_lambda_http::answer;

#[tokio::main]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}
