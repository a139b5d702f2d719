//! Values that are larger than AWS allows.

use super::*;

#[test]
fn times_have_the_maxima_of_aws() {
    let template = r#"
Globals:
  Function: { Timeout: 18446744073709551615 }
  Api:
    Auth:
      DefaultAuthorizer: Judge
      Authorizers:
        Judge:
          FunctionArn: !GetAtt F.Arn
          Identity: { ReauthorizeEvery: 18446744073709551615 }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: f
      Events:
        Get:
          Type: Api
          Properties: { Path: /, Method: get, TimeoutInMillis: 18446744073709551615 }
"#;
    let template = Template::parse(template).unwrap();
    let function = &template.functions[0];
    assert_eq!(function.timeout.as_secs(), 900);
    assert_eq!(function.routes[0].time_limit.as_secs(), 900);
    let Authorization::Lambda(authorizer) = &function.routes[0].authorization else {
        panic!("{function:?}");
    };
    assert_eq!(authorizer.ttl.as_secs(), 3600);
    let note = "F: Timeout is more than 900 s, which Lambda does not allow; it is 900 s here";
    assert_eq!(template.notes, [format!("line 3: {note}")]);
}

/// Returns a block with this many levels.
fn nested(levels: usize) -> String {
    let line = |level| format!("{}k:\n", " ".repeat(level));
    (0..levels).map(line).collect()
}

#[test]
fn a_block_that_nests_too_deeply_is_an_error_with_its_line() {
    let error = |text: &str| match Template::parse(text) {
        Err(TemplateError::Syntax(error)) => error,
        other => panic!("{other:?}"),
    };
    assert!(matches!(
        Template::parse(&nested(200)),
        Err(TemplateError::NoFunction)
    ));
    for levels in [202, 2_000] {
        let error = error(&nested(levels));
        assert!(
            error.contains("blocks nest more deeply than 200 levels"),
            "{error}"
        );
        assert!(error.contains("line 201"), "{error}");
    }
    let flow = format!("a: {}{}", "[".repeat(230), "]".repeat(230));
    assert!(error(&flow).contains("200 levels"));
    // An alias has the depth of its anchor.
    let list = |inner: &str| format!("{}{inner}{}", "[".repeat(90), "]".repeat(90));
    let aliases = format!(
        "a: &a {}\nb: &b {}\nc: {}",
        list("1"),
        list("*a"),
        list("*b")
    );
    let error = error(&aliases);
    assert!(
        error.contains("200 levels") && error.contains("line 3"),
        "{error}"
    );
}

/// Returns the error of a template that cannot be read.
fn refused(text: &str) -> String {
    Template::parse(text).unwrap_err().to_string()
}

#[test]
fn aliases_of_aliases_do_not_take_all_memory() {
    let list = |item: &str| [item; 10].join(", ");
    let mut text = format!("a0: &a0 [{}]\n", list("1"));
    for level in 1..12 {
        let item = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", list(&item));
    }
    let error = refused(&text);
    let why = "there are more than 500000 values, with those of aliases";
    assert!(error.contains(why) && error.contains("line 6"), "{error}");
    let text = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(300_000),
        "*a, ".repeat(1000)
    );
    assert!(refused(&text).contains(why));
    // A template of the largest size has fewer.
    let text = format!("a: [{}]\n", "1,".repeat(450_000));
    assert!(matches!(
        Template::parse(&text),
        Err(TemplateError::NoFunction)
    ));
}

#[test]
fn identifiers_of_loops_that_repeat_each_other_end() {
    let mut text = "Transform: AWS::LanguageExtensions\nResources:\n".to_owned();
    let mut value = "xxxxxxxx".to_owned();
    for level in 0..40 {
        let indent = "  ".repeat(level + 1);
        text += &format!(
            "{indent}Fn::ForEach::L{level}:\n{indent}- I{level}\n{indent}- [\"{value}\"]\n{indent}-\n"
        );
        value = format!("${{I{level}}}${{I{level}}}");
    }
    text += &format!(
        "{}F${{I39}}: {{ Type: AWS::SQS::Queue }}\n",
        "  ".repeat(42)
    );
    assert!(matches!(
        Template::parse(&text),
        Err(TemplateError::NoFunction)
    ));
}

#[test]
fn texts_that_repeat_each_other_end() {
    let mut text =
        "Parameters:\n  P0: { Type: String, Default: xxxxxxxx }\nResources:\n".to_owned();
    for level in 1..18 {
        let before = format!("Q{}", level - 1);
        let name = if level == 1 { "P0" } else { &before };
        text += &format!(
            "  Q{level}: {{ Type: AWS::SSM::Parameter, Properties: {{ Name: !Sub \"${{{name}}}${{{name}}}\" }} }}\n"
        );
    }
    let list = "!Ref Q16, ".repeat(20_000);
    text += &format!("  All: {{ Type: Custom::Any, Properties: {{ Names: [{list}] }} }}\n");
    assert!(matches!(
        Template::parse(&text),
        Err(TemplateError::NoFunction)
    ));
}
