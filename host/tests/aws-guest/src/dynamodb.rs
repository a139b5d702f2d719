//! Items `{owner, number, text}`, of which an owner has several.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue::{N, S};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};

use crate::{Outcome, Query};

pub async fn create(config: &SdkConfig, query: &Query) -> Outcome {
    let mut create = Client::new(config)
        .create_table()
        .table_name(query.get("table"))
        .billing_mode(BillingMode::PayPerRequest);
    for (name, key, of) in [
        ("owner", KeyType::Hash, ScalarAttributeType::S),
        ("number", KeyType::Range, ScalarAttributeType::N),
    ] {
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(key);
        let attribute = AttributeDefinition::builder().attribute_name(name);
        create = create
            .key_schema(key.build()?)
            .attribute_definitions(attribute.attribute_type(of).build()?);
    }
    create.send().await?;
    Ok(vec![])
}

pub async fn put(config: &SdkConfig, query: &Query, body: Vec<u8>) -> Outcome {
    Client::new(config)
        .put_item()
        .table_name(query.get("table"))
        .item("owner", S(query.get("owner").to_owned()))
        .item("number", N(query.get("number").to_owned()))
        .item("text", S(String::from_utf8(body)?))
        .send()
        .await?;
    Ok(vec![])
}

pub async fn get(config: &SdkConfig, query: &Query) -> Outcome {
    let output = Client::new(config)
        .get_item()
        .table_name(query.get("table"))
        .key("owner", S(query.get("owner").to_owned()))
        .key("number", N(query.get("number").to_owned()))
        .send()
        .await?;
    match output.item.and_then(|mut item| item.remove("text")) {
        Some(S(text)) => Ok(text.into_bytes()),
        other => Err(format!("no text: {other:?}").into()),
    }
}

/// The texts of all that an owner has.
pub async fn query(config: &SdkConfig, query: &Query) -> Outcome {
    let output = Client::new(config)
        .query()
        .table_name(query.get("table"))
        .key_condition_expression("#owner = :owner")
        .expression_attribute_names("#owner", "owner")
        .expression_attribute_values(":owner", S(query.get("owner").to_owned()))
        .send()
        .await?;
    let texts = output.items().iter().map(|item| item["text"].as_s());
    let texts: Result<Vec<_>, _> = texts.collect();
    Ok(serde_json::to_vec(
        &texts.map_err(|other| format!("{other:?}"))?,
    )?)
}
