//! Messages of a queue.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;

use crate::{Outcome, Query};

/// Answers with the queue's URL.
pub async fn create(config: &SdkConfig, query: &Query) -> Outcome {
    let create = Client::new(config)
        .create_queue()
        .queue_name(query.get("queue"));
    let url = create.send().await?.queue_url;
    Ok(url.ok_or("the queue has no URL")?.into_bytes())
}

pub async fn send(config: &SdkConfig, query: &Query, body: Vec<u8>) -> Outcome {
    let send = Client::new(config)
        .send_message()
        .queue_url(query.get("url"));
    send.message_body(String::from_utf8(body)?).send().await?;
    Ok(vec![])
}

/// Answers with the body of one message.
pub async fn receive(config: &SdkConfig, query: &Query) -> Outcome {
    let receive = Client::new(config)
        .receive_message()
        .queue_url(query.get("url"));
    let messages = receive.send().await?.messages.unwrap_or_default();
    let body = messages.into_iter().next().and_then(|message| message.body);
    Ok(body.ok_or("there is no message")?.into_bytes())
}
