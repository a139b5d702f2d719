//! A bare Runtime API loop on `ureq`: it takes each event and answers the same
//! hello without looking at it. It drops Lambda's acknowledgements unread, which closes their connections.

use std::{env, error::Error, time::Duration};

use ureq::Agent;

const ANSWER: &str =
    r#"{"statusCode":200,"headers":{"Content-Type":"text/plain"},"body":"Hello, developer!\n"}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let api = env::var("AWS_LAMBDA_RUNTIME_API")?;
    let base = format!("http://{api}/2018-06-01/runtime/invocation");
    let next = format!("{base}/next");
    let agent: Agent = Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_idle_age(Duration::from_secs(3600))
        .build()
        .into();
    loop {
        let mut event = agent.get(&next).call()?;
        event.body_mut().read_to_vec()?;
        let id = event
            .headers()
            .get("lambda-runtime-aws-request-id")
            .ok_or("the event has no request id")?
            .to_str()?;
        agent
            .post(format!("{base}/{id}/response"))
            .content_type("application/json")
            .send(ANSWER)?;
    }
}
