//! Hosts and names as AWS documents them.

use super::*;

/// The service and the region of a host.
fn service_of(host: &str) -> Option<(&'static str, String)> {
    let place = place(host)?;
    let name = place.service?.name;
    Some((name, place.region.unwrap_or(place.global.to_owned())))
}

#[test]
fn hosts_of_services() {
    for row in [
        // One host a row: what it is signed for, and where.
        "dynamodb.eu-west-1.amazonaws.com dynamodb eu-west-1",
        "dynamodb.eu-west-1.api.aws dynamodb eu-west-1",
        "dynamodb-fips.us-east-1.amazonaws.com dynamodb us-east-1",
        "123456789012.ddb.eu-west-1.amazonaws.com dynamodb eu-west-1",
        "123456789012.streams-ddb.eu-west-1.api.aws dynamodb eu-west-1",
        "streams.dynamodb.eu-west-1.amazonaws.com dynamodb eu-west-1",
        "s3.eu-west-1.amazonaws.com s3 eu-west-1",
        "s3.dualstack.eu-west-1.amazonaws.com s3 eu-west-1",
        "my.bucket.s3.us-gov-east-1.amazonaws.com s3 us-gov-east-1",
        "b.s3-fips.dualstack.us-west-2.amazonaws.com s3 us-west-2",
        "bucket.s3.amazonaws.com s3 us-east-1",
        "bucket.s3-eu-west-1.amazonaws.com s3 eu-west-1",
        "s3-eu-west-1.amazonaws.com s3 eu-west-1",
        "s3-fips-us-gov-west-1.amazonaws.com s3 us-gov-west-1",
        "s3-external-1.amazonaws.com s3 us-east-1",
        "my.bucket.s3-accelerate.dualstack.amazonaws.com s3 us-east-1",
        "ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com s3 eu-west-1",
        "ap-1.s3-accesspoint-fips.dualstack.us-east-2.amazonaws.com s3 us-east-2",
        "ol-123456789012.s3-object-lambda.eu-west-1.amazonaws.com s3-object-lambda eu-west-1",
        "ap-1.op-01ac5.s3-outposts.us-west-2.amazonaws.com s3-outposts us-west-2",
        "b--op-s3.op-01ac5.s3-outposts.us-west-2.amazonaws.com s3-outposts us-west-2",
        "s3-outposts.us-west-2.amazonaws.com s3-outposts us-west-2",
        "b--usw2-az1--x-s3.s3express-usw2-az1.us-west-2.amazonaws.com s3express us-west-2",
        "b--x-s3.s3express-fips-use1-az4.dualstack.us-east-1.amazonaws.com s3express us-east-1",
        "s3express-control.us-west-2.amazonaws.com s3express us-west-2",
        "123456789012.s3-control.eu-west-1.amazonaws.com s3 eu-west-1",
        "s3tables.eu-west-1.amazonaws.com s3tables eu-west-1",
        "sts.amazonaws.com sts us-east-1",
        "iam.us-gov.amazonaws.com iam us-gov-west-1",
        "route53.global.api.aws route53 us-east-1",
        "kms-fips.us-east-2.amazonaws.com kms us-east-2",
        "fips.batch.us-east-1.amazonaws.com batch us-east-1",
        "api-fips.sagemaker.us-east-1.amazonaws.com sagemaker us-east-1",
        "sqs.cn-north-1.amazonaws.com.cn sqs cn-north-1",
        "lambda.cn-north-1.api.amazonwebservices.com.cn lambda cn-north-1",
        "budgets.amazonaws.com.cn budgets cn-northwest-1",
        "sqs.us-iso-east-1.c2s.ic.gov sqs us-iso-east-1",
        "sqs.us-isob-east-1.sc2s.sgov.gov sqs us-isob-east-1",
        "lambda.eusc-de-east-1.amazonaws.eu lambda eusc-de-east-1",
        "eu-west-1.queue.amazonaws.com sqs eu-west-1",
        "queue.amazonaws.com sqs us-east-1",
        "email.eu-west-1.amazonaws.com ses eu-west-1",
        "api.ecr.eu-west-1.amazonaws.com ecr eu-west-1",
        "ecr.eu-west-1.api.aws ecr eu-west-1",
        "oidc.eu-west-1.amazonaws.com sso-oauth eu-west-1",
        "sso.eu-west-1.amazonaws.com sso eu-west-1",
        "sync-states.eu-west-1.amazonaws.com states eu-west-1",
        "states.eu-west-1.api.aws states eu-west-1",
        "data-servicediscovery.eu-west-1.amazonaws.com servicediscovery eu-west-1",
        "abc123.appsync-api.eu-central-1.amazonaws.com appsync eu-central-1",
        "a1b2c3-ats.iot.eu-west-1.amazonaws.com iotdata eu-west-1",
        "a1b2c3.iot.cn-north-1.amazonaws.com.cn iotdata cn-north-1",
        "data-ats.iot-fips.us-east-1.amazonaws.com iotdata us-east-1",
        "a1b2c3.jobs.iot.eu-west-1.amazonaws.com iot-jobs-data eu-west-1",
        "api.tunneling.iot.eu-west-1.amazonaws.com IoTSecuredTunneling eu-west-1",
        "greengrass-ats.iot.eu-west-1.amazonaws.com greengrass eu-west-1",
        "123456789012.data-kinesis.eu-west-1.amazonaws.com kinesis eu-west-1",
        "123456789012.control-kinesis-fips.us-east-1.api.aws kinesis us-east-1",
        "s-1a2b.kinesisvideo.eu-west-1.amazonaws.com kinesisvideo eu-west-1",
        "ingest-cell2.timestream.us-east-1.amazonaws.com timestream us-east-1",
        "query-cell1.timestream.us-east-1.amazonaws.com timestream us-east-1",
        "timestream-query.us-east-1.api.aws timestream us-east-1",
        "id.execute-api.eu-west-1.amazonaws.com execute-api eu-west-1",
        "search-d-1.eu-west-1.es.amazonaws.com es eu-west-1",
        "search-d-1.aos.eu-west-1.on.aws es eu-west-1",
        "abc.eu-west-1.aoss.amazonaws.com aoss eu-west-1",
        "doc-d-1.eu-west-1.cloudsearch.amazonaws.com cloudsearch eu-west-1",
        "maps.geo.eu-west-1.amazonaws.com geo-maps eu-west-1",
        "bedrock-runtime.eu-west-1.amazonaws.com bedrock eu-west-1",
        // Interface endpoints of AWS's services.
        "vpce-1-a.sqs.us-east-1.vpce.amazonaws.com sqs us-east-1",
        "vpce-1-a.api.ecr.us-east-1.vpce.amazonaws.com ecr us-east-1",
        "b.bucket.vpce-1-a.s3.us-east-1.vpce.amazonaws.com s3 us-east-1",
    ] {
        let [host, name, region] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        assert_eq!(service_of(host), Some((name, region.to_owned())), "{host}");
    }
}

/// Others may listen in a domain that AWS shares with its customers.
#[test]
fn hosts_of_one_label() {
    assert!(place("new.eu-west-1.amazonaws.com").unwrap().is_plain);
    for host in [
        "new.eu-west-1.on.aws",
        "vpce-1-a.new.eu-west-1.vpce.amazonaws.com",
    ] {
        assert!(!place(host).unwrap().is_plain, "{host}");
    }
}

/// By the ids of <https://docs.aws.amazon.com/sdkref/latest/guide/ss-endpoints-table.html>.
#[test]
fn services_by_their_ids() {
    for (id, service) in [
        ("APPLICATION_AUTO_SCALING", "application-autoscaling"),
        ("ACM_PCA", "acm-pca"),
        ("BEDROCK_AGENT_RUNTIME", "bedrock"),
        ("COGNITO_IDENTITY_PROVIDER", "cognito-idp"),
        ("DYNAMODB", "dynamodb"),
        ("S3", "s3"),
        ("S3_CONTROL", "s3"),
        ("SSO_OIDC", "sso-oauth"),
        ("DATABASE_MIGRATION_SERVICE", "dms"),
        ("ELASTIC_LOAD_BALANCING_V2", "elasticloadbalancing"),
        ("SAGEMAKER_A2I_RUNTIME", "sagemaker"),
        ("SERVERLESSAPPLICATIONREPOSITORY", "serverlessrepo"),
        ("TRANSCRIBE_STREAMING", "transcribe"),
        ("TIMESTREAM_QUERY", "timestream"),
    ] {
        let id = id.to_lowercase().replace('_', "");
        assert_eq!(signing_name(&id), Some(service), "{id}");
    }
}

#[test]
fn every_row_can_be_written_and_found() {
    for (id, name, hosts) in rows() {
        assert!(is_service(name), "{name}");
        for host in hosts.split(' ').filter(|host| !host.is_empty()) {
            let host = host.trim_end_matches(['!', '@']);
            let is_region_first = host.contains("{}");
            let host = host
                .replace("**", "a.b")
                .replace('*', "a")
                .replace("{}", "eu-west-1");
            let region = if is_region_first { "" } else { ".eu-west-1" };
            let host = format!("{host}{region}.amazonaws.com");
            assert!(service_of(&host).is_some(), "{id}: {host}");
        }
    }
}

#[test]
fn names_that_are_not_services() {
    for (name, near) in [
        ("dynamodbb", "dynamodb"),
        ("DynamoDB", "dynamodb"),
        ("email", "ses"),
        ("iotsecuredtunneling", "IoTSecuredTunneling"),
        ("stepfunctions", "states"),
        ("sfn", "states"),
        ("eventbridge", "events"),
        ("Secrets Manager", "secretsmanager"),
        ("SQS", "sqs"),
        ("cognito-identity-provider", "cognito-idp"),
    ] {
        assert!(!is_service(name), "{name}");
        assert_eq!(nearest_service(name), Some(near), "{name}");
    }
    assert_eq!(nearest_service("qqqqqqqqqqqq"), None);
}
