//! `lambda-wasm package --check` with a template: a package that does not fit its functions.

use std::fs;

use lambda_wasm_test_support::artifact;

use crate::package_check::{chmod, dist, says};
use crate::support::Folder;

/// Checks `dist` with the properties of a function and more resources, and returns why it is refused.
#[track_caller]
fn with_template(folder: &Folder, properties: &str, resources: &str) -> String {
    let template = format!(
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {{ CodeUri: dist, {properties} }}\n{resources}"
    );
    folder.write("template.yaml", template);
    folder.fail(&["package", "--check"])
}

#[test]
fn a_package_that_does_not_fit_the_template_is_refused() {
    let folder = dist();
    says(
        &with_template(&folder, "Handler: helo", ""),
        &[
            "the template's function F has the Handler helo, and there is no dist/helo.cwasm\nhint: ",
        ],
    );
    let other = if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "x86_64"
    };
    says(
        &with_template(
            &folder,
            &format!("Handler: hello, Architectures: [{other}]"),
            "",
        ),
        &[&format!(
            "the template's function F has the architecture {other}\nhint: "
        )],
    );
    let native = if cfg!(target_arch = "x86_64") {
        "x86_64"
    } else {
        "arm64"
    };
    let good = format!("Handler: hello, Architectures: [{native}]");
    says(
        &with_template(
            &folder,
            &format!("{good}, FunctionUrlConfig: {{ InvokeMode: BUFFERED }}"),
            "",
        ),
        &["the FunctionUrlConfig of F does not have an AuthType, and SAM refuses it"],
    );
    says(
        &with_template(
            &folder,
            &format!(
                "{good}, FunctionUrlConfig: {{ AuthType: NONE, InvokeMode: RESPONSE_STREAM }}"
            ),
            "",
        ),
        &["F: its function URL (RESPONSE_STREAM) streams, and the function does not"],
    );
}

#[test]
fn a_public_url_without_its_permissions_is_refused() {
    let folder = dist();
    let native = if cfg!(target_arch = "x86_64") {
        "x86_64"
    } else {
        "arm64"
    };
    let good = format!("Handler: hello, Architectures: [{native}]");
    let url = "  U:\n    Type: AWS::Lambda::Url\n    Properties: { AuthType: NONE, TargetFunctionArn: !GetAtt F.Arn }\n";
    let permission = |name: &str, function: &str, action: &str| {
        format!(
            "  {name}:\n    Type: AWS::Lambda::Permission\n    Properties: {{ FunctionName: {function}, Action: '{action}', Principal: '*' }}\n"
        )
    };
    let lacks = |action: &str| {
        format!(
            "the function URL U is for everyone, and the template does not allow {action}: the URL answers 403\nhint: add an AWS::Lambda::Permission with Action: {action}"
        )
    };
    let [by_url, by_function] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];
    let said = with_template(&folder, &good, url);
    says(&said, &[&lacks(by_url), &lacks(by_function)]);
    let one = permission("P", "!Ref F", by_url);
    let elsewhere = permission("Q", "another", by_function);
    let said = with_template(&folder, &good, &format!("{url}{one}{elsewhere}"));
    assert_eq!(said.matches("error: ").count(), 1, "{said}");
    says(&said, &[&lacks(by_function)]);
    let both = permission("Q", "!GetAtt F.Arn", by_function);
    let template = fs::read_to_string(folder.path("template.yaml")).unwrap();
    folder.write("template.yaml", template.replace(&elsewhere, &both));
    assert_eq!(folder.succeed(&["package", "--check"]), "");
}

#[test]
fn a_stream_without_its_invoke_mode_is_refused() {
    let folder = dist();
    let component = artifact("streaming");
    fs::copy(component, folder.path("dist/hello.cwasm")).unwrap();
    chmod(&folder, "dist/hello.cwasm", 0o644);
    let native = if cfg!(target_arch = "x86_64") {
        "x86_64"
    } else {
        "arm64"
    };
    let good = format!("Handler: hello, Architectures: [{native}]");
    says(
        &with_template(
            &folder,
            &format!("{good}, FunctionUrlConfig: {{ AuthType: NONE }}"),
            "",
        ),
        &[
            "F: the function streams, and its function URL (BUFFERED) does not",
            "hint: set `InvokeMode: RESPONSE_STREAM` under FunctionUrlConfig",
        ],
    );
}

#[test]
fn a_zip_is_compared_with_the_functions_that_it_may_be_of() {
    let folder = dist();
    folder.succeed(&["package", "-o", "f.zip"]);
    let other = if cfg!(target_arch = "x86_64") {
        "arm64"
    } else {
        "x86_64"
    };
    let function = |name: &str, handler: &str, code: &str| {
        format!(
            "  {name}: {{ Type: 'AWS::Serverless::Function', Properties: {{ Handler: {handler}, CodeUri: {code}, Architectures: [{other}] }} }}\n"
        )
    };
    let functions = [
        function("Same", "hello", "dist"),
        function("Elsewhere", "absent", "dist"),
        function("Named", "absent", "f.zip"),
    ];
    folder.write(
        "template.yaml",
        format!("Resources:\n{}", functions.concat()),
    );
    let said = folder.fail(&["package", "--check", "f.zip"]);
    let wrong = format!("the template's function Same has the architecture {other}\nhint: ");
    says(&said, &["f.zip/hello.cwasm is compiled for ", &wrong]);
    says(
        &said,
        &["function Named has the Handler absent, and there is no f.zip/absent.cwasm"],
    );
    assert_eq!(said.matches("error: ").count(), 2, "{said}");
}
