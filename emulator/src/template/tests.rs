use super::*;

const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 15
    Environment:
      Variables: { SHARED: global, LEVEL: info }
Resources:
  Table:
    Type: AWS::DynamoDB::Table
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: dist/
      Handler: hello
      Runtime: provided.al2023
      MemorySize: 256
      Architectures: [x86_64]
      Policies:
        - DynamoDBReadPolicy: { TableName: !Ref Table }
      Environment:
        Variables:
          LEVEL: debug
          DEPTH: 3
          FLAG: true
          TABLE: !Ref Table
          ARN: { "Fn::GetAtt": [Table, Arn] }
      Events:
        One:
          Type: Api
          Properties: { Path: "/hello/{name}", Method: get }
        Rest:
          Type: Api
          Properties: { Path: "/{proxy+}", Method: any }
        Queue:
          Type: SQS
          Properties: { Queue: !GetAtt Queue.Arn }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, InvokeMode: RESPONSE_STREAM }
      Events:
        One:
          Type: HttpApi
          Properties: { Path: "/web/{name}", Method: get, ApiId: !Ref Gateway }
        Rest:
          Type: HttpApi
        Old:
          Type: HttpApi
          Properties: { Path: "/old", Method: any, PayloadFormatVersion: "1.0" }
        Half:
          Type: HttpApi
          Properties: { Path: /half }
  Signed:
    Type: AWS::Serverless::Function
    Properties: { Handler: signed, FunctionUrlConfig: { AuthType: AWS_IAM } }
  Direct:
    Type: AWS::Serverless::Function
    Properties: { Handler: direct, FunctionName: by-name, Timeout: !Ref Seconds }
  Script:
    Type: AWS::Serverless::Function
    Properties: { Handler: app.handler, Runtime: python3.13 }
Outputs:
  Url:
    Value: !Sub "https://${ServerlessRestApi}.execute-api.${AWS::Region}.amazonaws.com/Prod/"
"#;

fn routes(function: &Function) -> Vec<String> {
    let routes = function.routes.iter();
    routes
        .map(|route| format!("{:?} {}", route.api, route.key()))
        .collect()
}

#[test]
fn functions_come_with_the_globals_and_their_own_values() {
    let template = Template::parse(TEMPLATE).unwrap();
    let names: Vec<_> = template.functions.iter().map(|f| &f.name).collect();
    assert_eq!(names, ["Hello", "Web", "Signed", "by-name"]);
    let hello = template.function("Hello").unwrap();
    assert_eq!(hello.handler, "hello");
    assert_eq!((hello.timeout.as_secs(), hello.memory_mb), (15, 256));
    let variables: Vec<_> = hello
        .variables
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        variables,
        ["DEPTH=3", "FLAG=true", "LEVEL=debug", "SHARED=global"]
    );
    assert_eq!(
        routes(hello),
        ["Rest GET /hello/{name}", "Rest ANY /{proxy+}"]
    );
    assert_eq!(hello.url, None);
    let direct = template.function("by-name").unwrap();
    assert_eq!((direct.timeout.as_secs(), direct.memory_mb), (3, 128));
    assert!(direct.routes.is_empty());
}

#[test]
fn http_apis_and_function_urls_are_read() {
    let template = Template::parse(TEMPLATE).unwrap();
    let web = template.function("Web").unwrap();
    assert_eq!(
        routes(web),
        ["Http GET /web/{name}", "Http $default", "Http ANY /old"]
    );
    assert_eq!(web.url, Some(InvokeMode::ResponseStream));
    let signed = template.function("Signed").unwrap();
    assert_eq!(signed.url, Some(InvokeMode::Buffered));
}

#[test]
fn what_cannot_be_known_here_becomes_a_note() {
    let notes = Template::parse(TEMPLATE).unwrap().notes;
    let expected = [
        "Hello: the variable TABLE is !Ref, which only a deployment can tell; it is not set here",
        "Hello: the variable ARN is Fn::GetAtt, which only a deployment can tell; it is not set here",
        "Hello: the event Queue is of type SQS, which has no route here; invoke the function by its name",
        "Web: the event Old asks for payload format 1.0, and HTTP APIs send 2.0 here",
        "Web: the event Half has no plain Method and Path; it gets no route",
        "Signed: its function URL asks for signed requests (AWS_IAM); here it takes all",
        "Direct: Timeout is !Ref, which only a deployment can tell; it is ignored here",
        "Script: its runtime is python3.13, not a custom runtime (provided.al2023); it is not started",
    ];
    assert_eq!(notes, expected);
}

#[test]
fn bad_templates_say_what_is_wrong() {
    let error = Template::parse("Resources: [").unwrap_err().to_string();
    assert!(
        error.starts_with("the template is not valid YAML"),
        "{error}"
    );
    for text in ["", "Resources: {}", "- a"] {
        let error = Template::parse(text).unwrap_err();
        assert!(matches!(error, TemplateError::NoFunction), "{error}");
    }
    let error = Template::read(Path::new("/nowhere/template.yaml")).unwrap_err();
    assert!(error.to_string().contains("/nowhere/template.yaml"));
}

#[test]
fn what_an_api_is_set_to_and_is_not_followed_is_noted() {
    let template = r#"
Globals:
  Api: { Cors: "'*'" }
  HttpApi: { CorsConfiguration: true }
Resources:
  One: { Type: AWS::Serverless::Api, Properties: { StageName: v1, Variables: { A: b } } }
  Two: { Type: AWS::Serverless::Api, Properties: { StageName: Prod } }
  Three: { Type: AWS::Serverless::HttpApi, Properties: { StageName: $default } }
  Four: { Type: AWS::Serverless::HttpApi, Properties: { StageName: !Ref Stage } }
  Web:
    Type: AWS::Serverless::Function
    Properties:
      Handler: web
      FunctionUrlConfig: { AuthType: NONE, Cors: { AllowOrigins: ["*"] } }
"#;
    let notes = Template::parse(template).unwrap().notes;
    let settings = [
        "Globals.Api: Cors",
        "Globals.HttpApi: CorsConfiguration",
        "One: StageName",
        "One: Variables",
        "Four: StageName",
        "Web: Cors",
    ];
    assert_eq!(notes, settings.map(|of| format!("{of} is ignored here")));
}
