//! The permissions without which a function URL answers 403.
//!
//! SAM adds them for `FunctionUrlConfig`. A resource `AWS::Lambda::Url` needs them written out: since October 2025 both
//! `lambda:InvokeFunctionUrl` and `lambda:InvokeFunction`
//! (<https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html>).

use super::value::{Node, Value};
use crate::function_name;

/// The two actions, and what limits each to calls through the URL.
const ACTIONS: [(&str, &str); 2] = [
    ("lambda:InvokeFunctionUrl", "FunctionUrlAuthType: NONE"),
    ("lambda:InvokeFunction", "InvokedViaFunctionUrl: true"),
];

/// Returns a fault for each public URL that lacks a permission, and for each `FunctionUrlConfig` without a type.
pub(super) fn faults(resources: &Value) -> Vec<String> {
    let all: Vec<_> = Node(Some(resources)).entries().collect();
    let of_kind = |kind: &'static str| {
        let is_it = move |node: &Node<'_>| node.get("Type").text().as_deref() == Some(kind);
        all.iter().filter(move |(_, node)| is_it(node))
    };
    let mut faults = Vec::new();
    for (name, resource) in of_kind("AWS::Lambda::Url") {
        let url = resource.get("Properties");
        if url.get("AuthType").text().as_deref() != Some("NONE") {
            continue;
        }
        let target = url.get("TargetFunctionArn");
        for (action, condition) in ACTIONS {
            let is_granted = of_kind("AWS::Lambda::Permission").any(|(_, permission)| {
                let permission = permission.get("Properties");
                permission.get("Action").text().as_deref() == Some(action)
                    && permission.get("Principal").text().as_deref() == Some("*")
                    && is_same_function(permission.get("FunctionName"), target)
            });
            if !is_granted {
                faults.push(format!(
                    "the function URL {name} is for everyone, and the template does not allow {action}: the URL answers 403\nhint: add an AWS::Lambda::Permission with Action: {action}, Principal: '*' and {condition}"
                ));
            }
        }
    }
    for (name, resource) in of_kind("AWS::Serverless::Function") {
        let url = resource.get("Properties").get("FunctionUrlConfig");
        if !url.is_absent() && url.get("AuthType").is_absent() {
            faults.push(format!(
                "the FunctionUrlConfig of {name} does not have an AuthType, and SAM refuses it\nhint: set AuthType to NONE or AWS_IAM"
            ));
        }
    }
    faults
}

/// Whether two values name the same function, by its name or its ARN. Those that only a deployment can tell may.
fn is_same_function(one: Node<'_>, other: Node<'_>) -> bool {
    let name = |node: Node<'_>| {
        let text = node.text()?;
        Some(function_name::split(&text).0.to_owned())
    };
    match (name(one), name(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}
