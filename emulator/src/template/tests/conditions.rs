//! Resources with a condition.

use super::*;

#[test]
fn a_resource_whose_condition_does_not_hold_has_no_effect() {
    let template = r#"
Parameters: { Stage: { Type: String, Default: dev } }
Conditions:
  IsDev: !Equals [!Ref Stage, dev]
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  F: { Type: AWS::Lambda::Function, Properties: { Handler: f, Runtime: provided.al2023 } }
  Mapping:
    Type: AWS::Lambda::EventSourceMapping
    Condition: IsProd
    Properties: { FunctionName: !Ref F, EventSourceArn: "arn:aws:sqs:us-east-1:1:jobs" }
  Rule:
    Type: AWS::Events::Rule
    Condition: IsProd
    Properties: { ScheduleExpression: rate(1 day), Targets: [{ Arn: !GetAtt F.Arn, Id: F }] }
  Url:
    Type: AWS::Lambda::Url
    Condition: IsProd
    Properties: { AuthType: NONE, TargetFunctionArn: !Ref F }
  Config:
    Type: AWS::Lambda::EventInvokeConfig
    Condition: IsProd
    Properties: { FunctionName: !Ref F, Qualifier: $LATEST, MaximumRetryAttempts: 0 }
  Integration:
    Type: AWS::ApiGatewayV2::Integration
    Properties: { ApiId: !Ref Http, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt F.Arn }
  Http: { Type: AWS::ApiGatewayV2::Api, Properties: { ProtocolType: HTTP } }
  HttpGet:
    Type: AWS::ApiGatewayV2::Route
    Condition: IsProd
    Properties: { ApiId: !Ref Http, RouteKey: GET /, Target: !Sub "integrations/${Integration}" }
  HttpPost:
    Type: AWS::ApiGatewayV2::Route
    Condition: IsDev
    Properties: { ApiId: !Ref Http, RouteKey: POST /, Target: !Sub "integrations/${Integration}" }
  Rest:
    Type: AWS::ApiGateway::RestApi
    Condition: IsProd
    Properties:
      BinaryMediaTypes: [image/png]
      Body:
        paths: { /a: { get: { x-amazon-apigateway-integration: { type: aws_proxy, uri: !GetAtt F.Arn } } } }
  RestMethod:
    Type: AWS::ApiGateway::Method
    Condition: IsProd
    Properties:
      HttpMethod: GET
      ResourceId: !GetAtt Rest.RootResourceId
      Integration: { Type: AWS_PROXY, Uri: !GetAtt F.Arn }
"#;
    let read = |template: &str| Template::parse(template).unwrap();
    let template_of_dev = read(template);
    let function = &template_of_dev.functions[0];
    let keys = |function: &Function| function.routes.iter().map(Route::key).collect::<Vec<_>>();
    assert_eq!(keys(function), ["POST /"]);
    assert!(function.sources.is_empty());
    assert_eq!((function.url, function.asynchronous.retries), (None, 2));
    assert!(template_of_dev.binary_types.is_empty());
    assert!(template_of_dev.faults.is_empty());
    let template = read(&template.replace("Default: dev", "Default: prod"));
    let function = &template.functions[0];
    assert_eq!(keys(function), ["GET /", "GET /a", "GET /"]);
    assert_eq!(function.sources.len(), 2);
    assert_eq!(function.asynchronous.retries, 0);
    assert!(!template.faults.is_empty());
}
