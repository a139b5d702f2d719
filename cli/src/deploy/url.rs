//! The URL of a function on AWS, and the permissions without which it answers 403.
//!
//! Since October 2025 callers need two permissions: `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>).

use anyhow::{Context as _, Result};
use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{FunctionUrlAuthType, InvokeMode};
use serde_json::Value;

use super::failure::{describe, has_code};

/// The names of the statements that let everyone call a function through its URL.
const ALLOW_URL: &str = "FunctionURLAllowPublicAccess";
const ALLOW_FUNCTION: &str = "FunctionURLAllowInvokeAction";

/// The URL as it is to be.
pub(super) struct WantedUrl {
    pub auth: FunctionUrlAuthType,
    pub mode: InvokeMode,
}

/// Creates or updates the URL of a function, and returns it.
///
/// With the auth type `NONE`, everyone gets both permissions; with `AWS_IAM` they are removed, since callers have
/// permissions of their own.
///
/// # Errors
///
/// Returns an error if AWS refuses a request.
pub(super) async fn put(client: &Client, name: &str, wanted: &WantedUrl) -> Result<String> {
    // The permissions come before the URL, so that it never answers 403; and go before it is for signed requests.
    let granted = granted(client, name).await?;
    for statement in [ALLOW_URL, ALLOW_FUNCTION] {
        let is_granted = granted.iter().any(|known| known == statement);
        match (&wanted.auth, is_granted) {
            (FunctionUrlAuthType::None, false) => grant(client, name, statement).await?,
            (FunctionUrlAuthType::AwsIam, true) => revoke(client, name, statement).await?,
            _ => {}
        }
    }
    let asked = client.get_function_url_config().function_name(name);
    match asked.send().await {
        Ok(current) => {
            let is_same =
                current.auth_type() == &wanted.auth && current.invoke_mode() == Some(&wanted.mode);
            if is_same {
                return Ok(current.function_url);
            }
            let request = client
                .update_function_url_config()
                .function_name(name)
                .auth_type(wanted.auth.clone())
                .invoke_mode(wanted.mode.clone());
            let updated = request.send().await;
            let updated = updated.map_err(|error| describe("UpdateFunctionUrlConfig", error))?;
            Ok(updated.function_url)
        }
        Err(error) if has_code(&error, "ResourceNotFoundException") => {
            let request = client
                .create_function_url_config()
                .function_name(name)
                .auth_type(wanted.auth.clone())
                .invoke_mode(wanted.mode.clone());
            let created = request.send().await;
            let created = created.map_err(|error| describe("CreateFunctionUrlConfig", error))?;
            Ok(created.function_url)
        }
        Err(error) => Err(describe("GetFunctionUrlConfig", error)),
    }
}

/// Returns the names of the statements in the policy of a function.
async fn granted(client: &Client, name: &str) -> Result<Vec<String>> {
    let policy = match client.get_policy().function_name(name).send().await {
        Ok(answer) => answer.policy.unwrap_or_default(),
        Err(error) if has_code(&error, "ResourceNotFoundException") => return Ok(Vec::new()),
        Err(error) => return Err(describe("GetPolicy", error)),
    };
    let policy: Value =
        serde_json::from_str(&policy).context("the policy of the function is not JSON")?;
    let statements = policy["Statement"]
        .as_array()
        .map_or(&[][..], Vec::as_slice);
    let names = statements
        .iter()
        .filter_map(|statement| statement["Sid"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Lets everyone call the function through its URL, by one of the two statements.
async fn grant(client: &Client, name: &str, statement: &str) -> Result<()> {
    let request = client
        .add_permission()
        .function_name(name)
        .statement_id(statement)
        .principal("*");
    let request = match statement {
        ALLOW_URL => request
            .action("lambda:InvokeFunctionUrl")
            .function_url_auth_type(FunctionUrlAuthType::None),
        _ => request
            .action("lambda:InvokeFunction")
            .invoked_via_function_url(true),
    };
    let sent = request.send().await;
    sent.map_err(|error| describe("AddPermission", error))?;
    Ok(())
}

async fn revoke(client: &Client, name: &str, statement: &str) -> Result<()> {
    let request = client
        .remove_permission()
        .function_name(name)
        .statement_id(statement);
    let sent = request.send().await;
    sent.map_err(|error| describe("RemovePermission", error))?;
    Ok(())
}
