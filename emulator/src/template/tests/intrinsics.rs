//! The functions of CloudFormation, and conditions.

use super::*;

/// The variables of the only function of a template with this head and these variables.
fn variables(head: &str, variables: &str) -> BTreeMap<String, String> {
    let text = format!(
        "{head}\nResources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n      Handler: f\n      Environment:\n        Variables:\n{variables}"
    );
    let template = Template::parse_in(&text, "eu-west-1", &BTreeMap::new()).unwrap();
    assert_eq!(template.notes, Vec::<String>::new(), "{text}");
    template.functions[0].variables.clone()
}

#[test]
fn values_that_the_template_determines_are_computed() {
    let head = r#"
Parameters:
  Stage: { Type: String, Default: dev }
  Number: { Type: Number, Default: 012345678901 }
  Zones: { Type: CommaDelimitedList, Default: "a, b" }
Mappings:
  Sizes: { dev: { size: small }, prod: { size: !Ref Number } }
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  IsDev: !Not [!Condition IsProd]
  Either: !Or [{ Condition: IsProd }, !Condition IsDev]"#;
    let of = variables(
        head,
        r#"
          PARAMETER: !Ref Stage
          LONG: { Ref: Number }
          REGION: !Ref AWS::Region
          SUB: !Sub "https://${Stage}.${AWS::Region}.${AWS::URLSuffix}/${!Literal}"
          WITH: !Sub ["${a}-${Stage}", { a: !Ref "AWS::AccountId" }]
          JOIN: !Join ["-", [x, !Ref Stage]]
          SELECT: !Select [1, !Ref Zones]
          SPLIT: { "Fn::Select": [0, { "Fn::Split": [".", "one.two"] }] }
          MAP: !FindInMap [Sizes, !Ref Stage, size]
          IF: !If [IsProd, yes, !If [Either, either, no]]
          GONE: !If [IsProd, x, !Ref AWS::NoValue]
          ME: !Ref F
          MINE: !GetAtt F.Arn
          ALSO: !Sub "${F.Arn}"
"#,
    );
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:F";
    let expected = [
        ("ALSO", arn),
        ("IF", "either"),
        ("JOIN", "x-dev"),
        ("LONG", "012345678901"),
        ("MAP", "small"),
        ("ME", "F"),
        ("MINE", arn),
        ("PARAMETER", "dev"),
        ("REGION", "eu-west-1"),
        ("SELECT", "b"),
        ("SPLIT", "one"),
        ("SUB", "https://dev.eu-west-1.amazonaws.com/${Literal}"),
        ("WITH", "123456789012-dev"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(of, BTreeMap::from(expected));
}

#[test]
fn less_common_functions_are_computed_too() {
    let head = r#"
Parameters: { Names: { Type: CommaDelimitedList, Default: "a, b, c" } }
Mappings: { Sizes: { dev: { size: small } } }"#;
    let of = variables(
        head,
        r#"
          BASE64: !Base64 hello
          ALSO: { "Fn::Base64": !Sub "${AWS::Region}" }
          ZONE: !Select [1, !GetAZs ""]
          FAR: { "Fn::Select": [0, { "Fn::GetAZs": us-east-2 }] }
          JSON: { "Fn::ToJsonString": { b: 1, a: [true, "1", !Ref AWS::Region, null] } }
          LENGTH: { "Fn::Length": !Ref Names }
          CIDR: !Join [" ", !Cidr [10.0.1.0/24, 3, 5]]
          KNOWN: !FindInMap [Sizes, dev, size, { DefaultValue: none }]
          UNKNOWN: !FindInMap [Sizes, prod, size, { DefaultValue: !Ref AWS::Region }]
"#,
    );
    let expected = [
        ("ALSO", "ZXUtd2VzdC0x"),
        ("BASE64", "aGVsbG8="),
        ("CIDR", "10.0.1.0/27 10.0.1.32/27 10.0.1.64/27"),
        ("FAR", "us-east-2a"),
        ("JSON", r#"{"b":1,"a":[true,"1","eu-west-1",null]}"#),
        ("KNOWN", "small"),
        ("LENGTH", "3"),
        ("UNKNOWN", "eu-west-1"),
        ("ZONE", "eu-west-1b"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(of, BTreeMap::from(expected));
}

#[test]
fn arguments_that_are_not_valid_leave_a_note() {
    for written in [
        "!Cidr [10.0.1.0/24, 9, 5]",
        "!Cidr [10.0.1.0/99, 1, 5]",
        "!Cidr [0.0.0.0/0, 256, 32]",
        "!Cidr [\"::/0\", 1, 5]",
        "!Cidr []",
        "!Select [-1, [a]]",
        "!Select [a, [a]]",
        "!Join [a]",
        "!Base64 [a]",
        "!FindInMap [a]",
        "!FindInMap [a, b, c, d]",
        "!GetAtt a",
        "!GetAtt [a, b, c]",
        "!Sub \"${\"",
        "!Sub \"${a\"",
        "!Sub [a]",
        "!Ref [a]",
        "!If [a]",
        "!Transform a",
        "{ \"Fn::Length\": a }",
        "{ \"Fn::ToJsonString\": { a: !ImportValue b } }",
    ] {
        let text = format!(
            "Resources: {{ F: {{ Type: AWS::Serverless::Function, Properties: {{ Handler: f, Environment: {{ Variables: {{ A: {written} }} }} }} }} }}"
        );
        let template = Template::parse(&text).unwrap();
        assert!(template.functions[0].variables.is_empty(), "{written}");
        assert_eq!(template.notes.len(), 1, "{written}");
    }
}

#[test]
fn loops_are_written_out() {
    let template = Template::parse(
        r#"
Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]
Parameters: { Names: { Type: CommaDelimitedList, Default: "alpha, beta" } }
Resources:
  Fn::ForEach::Functions:
    - Name
    - !Ref Names
    - ${Name}Function:
        Type: AWS::Serverless::Function
        Properties:
          Handler: !Ref Name
          Events:
            Fn::ForEach::Routes:
              - Path
              - [/x, /y-z]
              - Get&{Path}:
                  Type: HttpApi
                  Properties: { Method: get, Path: !Sub "/${Name}${Path}" }
          Environment: { Variables: { OTHER: !Sub "${Name}-${AWS::Region}" } }
  Fn::ForEach::Unknown: [Name, !ImportValue Names, { "${Name}": { Type: AWS::SQS::Queue } }]
"#,
    )
    .unwrap();
    let found = template.functions.iter().map(|function| {
        let routes = routes(function).join(" ");
        let other = &function.variables["OTHER"];
        format!("{} {} {other} {routes}", function.name, function.handler)
    });
    let expected = [
        "alphaFunction alpha alpha-us-east-1 Http GET /alpha/x Http GET /alpha/y-z",
        "betaFunction beta beta-us-east-1 Http GET /beta/x Http GET /beta/y-z",
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn conditions_that_repeat_each_other_end() {
    let head = r#"
Conditions:
  One: !And [!Condition Two, !Condition Two]
  Two: !Or [!Condition One, !Condition One]"#;
    let of = variables(
        head,
        "          A: !If [One, yes, no]\n          B: b\n          A: a\n",
    );
    assert_eq!((&*of["A"], &*of["B"]), ("a", "b"));
}

#[test]
fn properties_take_parameters_too() {
    let template = Template::parse(
        r#"
Parameters: { Name: { Type: String, Default: orders }, Seconds: { Type: Number, Default: 7 } }
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: !Ref Name
      FunctionName: !Sub "${Name}-${AWS::StackName}"
      Timeout: !Ref Seconds
      Events:
        Get: { Type: Api, Properties: { Path: !Sub "/${Name}", Method: get } }
"#,
    )
    .unwrap();
    let function = template.function("orders-local").unwrap();
    assert_eq!(
        (function.handler.as_str(), function.timeout.as_secs()),
        ("orders", 7)
    );
    assert_eq!(routes(function), ["Rest GET /orders"]);
}
