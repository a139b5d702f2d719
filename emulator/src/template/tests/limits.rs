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
