"""Properties of the stack whose absence would hurt."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from catalog_import import RESERVE_MS
from holdfast.aws import settings
from holdfast.aws.drop_bucket import REPORTS
from holdfast.core.plans.plan import LONGEST_MS
from holdfast.core.recommend.history import Row
from holdfast.services.redriving import OLDEST_MS
from infra.stages import SettingError
from tests.infrastructure.synthesis import (
    FUNCTIONS,
    ON_CALL,
    Stack,
    stack,
    stack_with_options,
    synth,
)


def test_join_returns_only_the_records_that_failed(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Join")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_what_may_succeed_later_is_tried_for_half_a_day_and_then_kept_as_a_dead_letter(on_aws: Stack) -> None:
    queue = on_aws.properties("AWS::SQS::Queue", "EventsQueue")
    redrive = queue["RedrivePolicy"]
    tried = redrive["maxReceiveCount"] * queue["VisibilityTimeout"]
    assert 11.5 * 3600 < tried < 12.5 * 3600
    assert tried < queue["MessageRetentionPeriod"]
    assert redrive["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("EventsDeadLetters")
    assert on_aws.properties("AWS::SQS::Queue", "EventsDeadLetters")["MessageRetentionPeriod"] == 14 * 24 * 3600


def test_a_batch_stays_invisible_for_as_long_as_lambda_may_retry_it(on_aws: Stack) -> None:
    timeout = on_aws.properties("AWS::Lambda::Function", "Join")["Timeout"]
    assert on_aws.properties("AWS::SQS::Queue", "EventsQueue")["VisibilityTimeout"] >= 6 * timeout


def test_large_batches_have_the_window_they_need_and_a_bound_on_concurrency(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Join")
    assert mapping["BatchSize"] == 1000
    assert mapping["MaximumBatchingWindowInSeconds"] >= 1
    assert mapping["ScalingConfig"]["MaximumConcurrency"] >= 2


def test_join_knows_how_long_the_queue_keeps_an_event(on_aws: Stack) -> None:
    variables = on_aws.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
    retention = on_aws.properties("AWS::SQS::Queue", "EventsQueue")["MessageRetentionPeriod"]
    assert variables["HOLDFAST_QUEUE_RETENTION_SECONDS"] == str(retention) == str(4 * 24 * 3600)
    assert retention * 1000 > OLDEST_MS  # or a dead letter could be redriven into what is forgotten


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_every_setting_that_it_reads(function: str) -> None:
    prod = stack(stage="prod", recommendations="true")
    variables = prod.properties("AWS::Lambda::Function", function)["Environment"]["Variables"]
    read = getattr(settings, f"{function}Settings").from_env({**variables, **_as_text(variables)})
    assert read is not None


def _as_text(variables: Mapping[str, Any]) -> dict[str, str]:
    return {name: "a name" for name, value in variables.items() if not isinstance(value, str)}


def test_only_writes_with_an_outbox_reach_deliver(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    (one,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(one["Pattern"]) == {"dynamodb": {"NewImage": {"outbox": {"S": [{"exists": True}]}}}}
    assert on_aws.properties("AWS::DynamoDB::Table", "TablesUsers")["StreamSpecification"] == {
        "StreamViewType": "NEW_IMAGE"
    }


def test_the_stream_waits_for_deliver_and_keeps_whole_what_it_gives_up_on_before_it_would_forget(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["MaximumRetryAttempts"] == -1
    assert 22 * 3600 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert destination.startswith("DeliverGivenUp")
    assert on_aws.properties("AWS::S3::Bucket", "DeliverGivenUp")["BucketEncryption"]


def test_what_the_stream_gave_up_on_is_announced_on_the_undelivered_queue(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "DeliverGivenUp")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    rule = on_aws.properties("AWS::Events::Rule", "DeliverGivenUpRule")
    assert rule["EventPattern"]["detail"]["bucket"]["name"][0]["Ref"].startswith("DeliverGivenUp")
    (target,) = rule["Targets"]
    assert target["Arn"]["Fn::GetAtt"][0].startswith("DeliverUndelivered")
    statements = on_aws.properties("AWS::SQS::QueuePolicy", "DeliverUndelivered")["PolicyDocument"]["Statement"]
    (allow,) = (each for each in statements if each["Effect"] == "Allow")
    assert allow["Principal"] == {"Service": "events.amazonaws.com"}
    assert allow["Condition"]["ArnEquals"]["aws:SourceArn"]["Fn::GetAtt"][0].startswith("DeliverGivenUpRule")


@pytest.mark.parametrize("function", ["Join", "CatalogImport"])
def test_a_function_that_sends_to_the_queue_it_works_off_may(on_aws: Stack, function: str) -> None:
    """Lambda would end the chain after about sixteen messages. A user with many open watches has longer ones."""
    assert on_aws.properties("AWS::Lambda::Function", function)["RecursiveLoop"] == "Allow"


def test_athena_finds_the_days_of_the_history_where_firehose_puts_them(on_aws: Stack) -> None:
    table = on_aws.properties("AWS::Glue::Table", "History")["TableInput"]
    stream = on_aws.properties("AWS::KinesisFirehose::DeliveryStream", "History")
    destination = stream["ExtendedS3DestinationConfiguration"]
    assert destination["CompressionFormat"] == "GZIP"
    assert destination["Prefix"] == "history/day=!{timestamp:yyyy-MM-dd}/"
    template = table["Parameters"]["storage.location.template"]["Fn::Join"][1]
    assert template[-1] == "/history/day=${day}/"
    assert table["Parameters"]["projection.day.format"] == "yyyy-MM-dd"
    assert [each["Name"] for each in table["PartitionKeys"]] == ["day"]
    assert {each["Name"] for each in table["StorageDescriptor"]["Columns"]} == set(Row._fields)


def test_history_ends_with_the_longest_lookback_and_nobody_else_reads_it(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "History")
    (rule,) = (each for each in bucket["LifecycleConfiguration"]["Rules"] if each["Id"] == "History")
    assert rule["ExpirationInDays"] * 24 * 60 * 60_000 > LONGEST_MS
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}


def test_states_are_stored_deflated_only_where_the_stack_says_so(on_aws: Stack) -> None:
    def of(each: Stack) -> Mapping[str, str]:
        variables: Mapping[str, str] = each.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
        return variables

    assert of(on_aws)["HOLDFAST_DEFLATE_STATES"] == "false"
    assert of(stack_with_options())["HOLDFAST_DEFLATE_STATES"] == "true"


def test_join_is_told_who_stands_for_nobody_and_whether_a_subject_is_a_user(on_aws: Stack) -> None:
    told = stack_with_options()
    names = ("HOLDFAST_NOBODY", "HOLDFAST_CLOUDEVENT_SUBJECT")
    variables = [
        each.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"] for each in (told, on_aws)
    ]
    assert [[each.get(name) for name in names] for each in variables] == [["walk-in,demo", "user"], [None, None]]


def test_sweep_runs_every_five_minutes(on_aws: Stack) -> None:
    schedule = on_aws.properties("AWS::Scheduler::Schedule", "Sweep")
    assert schedule["ScheduleExpression"] == "rate(5 minutes)"
    assert schedule.get("State", "ENABLED") == "ENABLED"


def test_no_queue_answers_without_tls_and_all_are_encrypted(on_aws: Stack) -> None:
    secured = set()
    for policy in on_aws.all("AWS::SQS::QueuePolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
                assert (statement["Action"], statement["Principal"]) == ("sqs:*", {"AWS": "*"})
                secured |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}
    assert secured == set(on_aws.all("AWS::SQS::Queue"))
    assert all(each["Properties"]["SqsManagedSseEnabled"] for each in on_aws.all("AWS::SQS::Queue").values())


def test_tables_are_encrypted_recoverable_and_bill_by_request(on_aws: Stack) -> None:
    for table in on_aws.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["SSEEnabled"] is True
        assert table["Properties"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
        assert "GlobalSecondaryIndexes" not in table["Properties"]


@pytest.mark.parametrize("table", ["TablesUsers", "TablesTimers", "TablesCampaigns", "TablesCatalog"])
def test_what_is_no_longer_needed_expires(on_aws: Stack, table: str) -> None:
    ttl = on_aws.properties("AWS::DynamoDB::Table", table)["TimeToLiveSpecification"]
    assert ttl == {"AttributeName": "expires_at", "Enabled": True}


def keyed_stack() -> Stack:
    return stack(stage="prod", customer_managed_key="true", recommendations="true", events_bus="shop")


def test_a_customers_key_encrypts_the_tables_and_is_open_to_the_functions() -> None:
    keyed = keyed_stack()
    for table in keyed.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"]["Fn::GetAtt"][0].startswith("TablesKey")
    assert keyed.properties("AWS::KMS::Key", "Tables")["EnableKeyRotation"] is True
    for function in FUNCTIONS:
        assert "kms:Decrypt" in keyed.actions(f"{function}Role")["TablesKey"]


KEYED = {
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::Lambda::Function": ("KmsKeyArn",),
    "AWS::S3::Bucket": (
        "BucketEncryption",
        "ServerSideEncryptionConfiguration",
        0,
        "ServerSideEncryptionByDefault",
        "KMSMasterKeyID",
    ),
    "AWS::KinesisFirehose::DeliveryStream": ("DeliveryStreamEncryptionConfigurationInput", "KeyARN"),
    "AWS::Athena::WorkGroup": (
        "WorkGroupConfiguration",
        "ResultConfiguration",
        "EncryptionConfiguration",
        "KmsKey",
    ),
}


@pytest.mark.parametrize("kind", KEYED)
def test_a_customers_key_is_that_of_everything_which_keeps_data(kind: str) -> None:
    found = keyed_stack().all(kind)
    assert found
    for name, each in found.items():
        value: Any = each["Properties"]
        for step in KEYED[kind]:
            value = value[step]
        assert value["Fn::GetAtt"][0].startswith("TablesKey"), name


def test_whoever_sends_to_a_queue_under_a_customers_key_may_use_the_key() -> None:
    topic = "arn:aws:sns:eu-west-1:111111111111:shop"
    keyed = stack(
        stage="prod",
        customer_managed_key="true",
        upstream_accounts="111111111111",
        upstream_topics=topic,
        events_bus="shop",
    )
    statements = keyed.properties("AWS::KMS::Key", "Tables")["KeyPolicy"]["Statement"]
    allowed = {each["Sid"]: each for each in statements if "Sid" in each}
    for service in ("Events", "Sns"):
        assert allowed[service]["Principal"] == {"Service": f"{service.lower()}.amazonaws.com"}
        assert allowed[service]["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert "111111111111" in json.dumps(allowed["Senders"]["Principal"])
    for sender in ("Events", "Sns", "Senders"):
        assert allowed[sender]["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert "log-group" in json.dumps(allowed["Logs"]["Condition"])


def test_a_key_that_is_there_already_is_used_and_no_other_is_made() -> None:
    arn = "arn:aws:kms:eu-west-1:111111111111:key/0a1b2c3d-0000-4000-8000-000000000000"
    keyed = stack(stage="prod", customer_managed_key=arn)
    assert not keyed.all("AWS::KMS::Key")
    for table in keyed.all("AWS::DynamoDB::Table").values():
        assert table["Properties"]["SSESpecification"]["KMSMasterKeyId"] == arn


def test_production_data_outlives_a_mistake_and_a_deployment_that_failed_can_be_repeated() -> None:
    """A failed first deployment is taken back whole: the rest would be left behind, or block the next one, for ever."""
    prod = keyed_stack()
    for kind in ("DynamoDB::Table", "SQS::Queue", "S3::Bucket", "Cognito::UserPool", "KMS::Key", "Events::EventBus"):
        found = prod.all(f"AWS::{kind}").values()
        assert found
        for each in found:
            assert (each["DeletionPolicy"], each["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    assert not [each for each in prod.resources.values() if each.get("DeletionPolicy") == "Retain"]


def test_what_is_locked_cannot_be_deleted_and_nothing_is_at_the_first_deployment() -> None:
    first, locked = stack(stage="prod"), stack_with_options()
    for prod, on in ((first, False), (locked, True)):
        assert prod.protected is on
        for table in prod.all("AWS::DynamoDB::Table").values():
            assert table["Properties"]["DeletionProtectionEnabled"] is on
        users = prod.properties("AWS::Cognito::UserPool", "Console")
        assert users["DeletionProtection"] == ("ACTIVE" if on else "INACTIVE")


def test_nothing_asks_for_concurrency_that_a_new_account_does_not_have(on_aws: Stack) -> None:
    for function in on_aws.all("AWS::Lambda::Function").values():
        assert "ReservedConcurrentExecutions" not in function["Properties"]
    asked = stack_with_options().properties("AWS::Lambda::Function", "Sweep")
    assert asked["ReservedConcurrentExecutions"] == 1


def test_logs_are_kept_for_a_set_time_and_every_function_has_its_own(on_aws: Stack) -> None:
    groups = on_aws.all("AWS::Logs::LogGroup")
    assert all(30 <= each["Properties"]["RetentionInDays"] <= 90 for each in groups.values())
    written = {
        on_aws.properties("AWS::Lambda::Function", function)["LoggingConfig"]["LogGroup"]["Ref"]
        for function in FUNCTIONS
    }
    others = {name for name in groups if name.startswith(("ConsoleAccessLog", "HistoryLog"))}
    assert written | others == set(groups)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_run_on_arm_with_tracing_and_structured_logs(on_aws: Stack, function: str) -> None:
    properties = on_aws.properties("AWS::Lambda::Function", function)
    assert properties["Architectures"] == ["arm64"]
    assert properties["Runtime"] == "python3.13"
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties["LoggingConfig"]["LogFormat"] == "JSON"
    assert properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"].replace("_", "") == function.lower()


def test_what_is_dropped_into_the_catalog_bucket_is_announced_and_a_report_is_not(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "CatalogImport")
    assert bucket["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    pattern = on_aws.properties("AWS::Events::Rule", "CatalogImport")["EventPattern"]
    assert pattern["detail"]["object"]["key"] == [{"anything-but": {"prefix": REPORTS}}]
    assert on_aws.outputs["CatalogBucketName"]["Value"] == pattern["detail"]["bucket"]["name"][0]


def test_the_catalog_bucket_keeps_what_was_replaced_and_is_nobodys_but_the_owners(on_aws: Stack) -> None:
    bucket = on_aws.properties("AWS::S3::Bucket", "CatalogImport")
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]
    (deny,) = on_aws.properties("AWS::S3::BucketPolicy", "CatalogImport")["PolicyDocument"]["Statement"]
    assert (deny["Effect"], deny["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_file_is_imported_by_itself_comes_again_when_it_fails_and_ends_as_a_dead_letter(on_aws: Stack) -> None:
    mapping = on_aws.properties("AWS::Lambda::EventSourceMapping", "CatalogImport")
    function = on_aws.properties("AWS::Lambda::Function", "CatalogImport")
    queue = on_aws.properties("AWS::SQS::Queue", "CatalogImportQueue")
    assert mapping["BatchSize"] == 1
    assert queue["VisibilityTimeout"] > function["Timeout"] > RESERVE_MS / 1000
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("CatalogImportDeadLetters")


LEFT_BEHIND = {
    "users_table": "Holdfast-prod-Users1",
    "users_stream": "arn:aws:dynamodb:eu-west-1:111111111111:table/Holdfast-prod-Users1/stream/2026-11-25T10:00:00.000",
    "timers_table": "Holdfast-prod-Timers1",
    "campaigns_table": "Holdfast-prod-Campaigns1",
    "catalog_table": "Holdfast-prod-Catalog1",
}


def test_a_new_stack_finds_the_tables_and_the_bus_that_an_earlier_one_left_behind() -> None:
    again = stack(stage="prod", bus="HoldfastprodMessagesBus1", **LEFT_BEHIND)
    assert not again.all("AWS::DynamoDB::Table")
    assert not again.all("AWS::Events::EventBus")
    for place in ("Users", "Timers", "Campaigns", "Catalog"):
        assert again.outputs[f"{place}TableName"]["Value"] == LEFT_BEHIND[f"{place.lower()}_table"]
    assert again.outputs["EventBusName"]["Value"] == "HoldfastprodMessagesBus1"
    mapping = again.properties("AWS::Lambda::EventSourceMapping", "Deliver")
    assert mapping["EventSourceArn"] == LEFT_BEHIND["users_stream"]
    assert LEFT_BEHIND["users_stream"] in json.dumps(again.properties("AWS::IAM::Policy", "DeliverRole"))
    granted = json.dumps(again.properties("AWS::IAM::Policy", "JoinRole"))
    assert all(f":table/{LEFT_BEHIND[f'{each}_table']}" in granted for each in ("users", "timers", "campaigns"))


def test_a_bus_with_rules_on_it_is_not_deleted_with_the_stack(on_aws: Stack) -> None:
    (bus,) = on_aws.all("AWS::Events::EventBus").values()
    assert bus["DeletionPolicy"] == "RetainExceptOnCreate"


def test_tables_can_be_warm_before_the_first_heavy_day() -> None:
    warm, cold = stack_with_options(), stack(stage="prod")
    for place in ("TablesUsers", "TablesTimers"):
        assert warm.properties("AWS::DynamoDB::Table", place)["WarmThroughput"] == {
            "WriteUnitsPerSecond": 20_000,
            "ReadUnitsPerSecond": 60_000,
        }
    assert not any("WarmThroughput" in each["Properties"] for each in cold.all("AWS::DynamoDB::Table").values())


def test_history_glue_and_athena_are_made_only_where_recommendations_are_wanted() -> None:
    without = stack(stage="prod")
    for service in ("Glue", "Athena", "KinesisFirehose"):
        assert not [each for each in without.resources.values() if each["Type"].startswith(f"AWS::{service}::")]
    assert not [name for name in without.outputs if name.startswith(("History", "Recommend"))]
    variables = without.properties("AWS::Lambda::Function", "Join")["Environment"]["Variables"]
    assert settings.JoinSettings.from_env({**variables, **_as_text(variables)}).history_stream == ""
    assert "HistoryStream" not in without.actions("JoinRole")


def test_athena_stops_a_query_that_reads_more_than_it_should(on_aws: Stack) -> None:
    (workgroup,) = on_aws.all("AWS::Athena::WorkGroup").values()
    assert workgroup["Properties"]["WorkGroupConfiguration"]["BytesScannedCutoffPerQuery"] == 200 * 1000**3


@pytest.mark.parametrize("role", ["SweepScheduleRole", "RecommendScheduleRole", "HistoryStreamRole"])
def test_a_service_acts_for_this_account_only(on_aws: Stack, role: str) -> None:
    (statement,) = on_aws.properties("AWS::IAM::Role", role)["AssumeRolePolicyDocument"]["Statement"]
    condition = statement["Condition"]["StringEquals"]
    account = {"Ref": "AWS::AccountId"}
    if role == "HistoryStreamRole":
        assert condition == {"sts:ExternalId": account}
    else:
        assert condition["aws:SourceAccount"] == account
        assert json.dumps(condition["aws:SourceArn"]).endswith(':schedule-group/default"]]}')


@pytest.mark.parametrize("function", ["Sweep", "Recommend"])
def test_an_asynchronous_run_that_failed_leaves_its_record(on_aws: Stack, function: str) -> None:
    config = on_aws.properties("AWS::Lambda::EventInvokeConfig", function)
    assert config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0].startswith("Failed")


def test_the_registry_knows_the_published_schema() -> None:
    registered = stack_with_options()
    schema = registered.properties("AWS::EventSchemas::Schema", "Schemas")
    assert (schema["Type"], schema["SchemaName"]) == ("OpenApi3", "shop-messages@PersonalizedMessage")
    assert schema["RegistryName"]["Fn::GetAtt"][0].startswith("SchemasRegistry")
    event = json.loads(schema["Content"])["components"]["schemas"]
    assert event["AWSEvent"]["x-amazon-events-source"] == "shop/messages"
    assert set(event["Detail"]["required"]) == {"metadata", "user", "constant"}


@pytest.mark.parametrize(
    "setting",
    [
        {"stage": "production"},
        {"upstream_accounts": "1234"},
        {"events_bus": "no such:bus"},
        {"events_source": "shop"},
        {"personalize": "also-bought"},
        {"signing_secret": "signing"},
        {"cloudevent_subject": "cart"},
        {"events_bus": "shop", "events_source": "holdfast"},
        {"events_bus": "shop", "events_source": "app, hold*"},
        {"events_bus": "shop", "events_source": "*", "source": "messages"},
        {"events_bus": "shop", "events_source": "aws.partner/segment.com/*"},
        {"events_bus": "aws.partner/segment.com/abc", "events_source": "shop.web"},
        {"upstream_topics": "shop"},
        {"alarm_topic": "on-call"},
        {"customer_managed_key": "yes"},
        {"recommendations": "yes"},
        {"sweep_reserved": "0"},
        {"warm_writes": "100"},
        {"users_table": "Users"},
        {"users_stream": "arn:aws:dynamodb:eu-west-1:111111111111:table/Other/stream/2026"},
        {"bus": "no such:bus"},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_meant_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(SettingError):
        stack(**setting)


@pytest.mark.parametrize("stage", ["dev", "prod"])
@pytest.mark.parametrize(
    "shared",
    [
        {},
        {"customer_managed_key": "true", "upstream_accounts": "111111111111", "consumer_accounts": "333333333333"},
        {
            "events_bus": "shop-events",
            "schema_registry": "true",
            "recommendations": "true",
            "locked": "true",
            "sweep_reserved": "1",
            "warm_writes": "20000",
        },
    ],
)
def test_cdk_nag_finds_nothing(stage: str, shared: dict[str, str]) -> None:
    synth(stage=stage, **shared)  # raises on a finding


def test_nor_in_a_stack_on_what_an_earlier_one_left_behind() -> None:
    synth(stage="prod", bus="HoldfastprodMessagesBus1", **LEFT_BEHIND)


def test_a_person_is_told_of_what_needs_one() -> None:
    alarms = stack_with_options().all("AWS::CloudWatch::Alarm")
    watched = [each["Properties"] for each in alarms.values()]
    assert all(each["AlarmActions"] == [ON_CALL] for each in watched)
    assert {each["MetricName"] for each in watched if "MetricName" in each} >= {  # others watch a sum of metrics
        "ApproximateNumberOfMessagesVisible",
        "ApproximateAgeOfOldestMessage",
        "IteratorAge",
        "Errors",
        "Invocations",
    }


def test_outputs_are_what_the_command_line_looks_for(on_aws: Stack) -> None:
    assert set(on_aws.outputs) >= {
        "EventsQueueUrl",
        "DeadLetterQueueUrl",
        "RejectedQueueUrl",
        "UndeliveredQueueUrl",
        "EventBusName",
        "UsersTableName",
        "TimersTableName",
        "CampaignsTableName",
        "CatalogTableName",
        "CatalogBucketName",
        "JoinFunctionName",
        "SweepFunctionName",
        "DeliverFunctionName",
        "MessageSource",
        "ConsoleUrl",
        "ConsoleUserPoolId",
        "ConsoleClientId",
    }


def test_the_embedded_stack_has_what_it_needs_and_takes_what_aws_takes() -> None:
    local, prod = stack(stage="local"), stack(stage="prod", recommendations="true")
    assert set(local.outputs) == set(prod.outputs)
    for function in FUNCTIONS:
        here, there = (each.actions(f"{function}Role") for each in (local, prod))
        assert {place for place in here if place != "*"} == {place for place in there if place != "*"}
        for place, actions in here.items():
            assert actions - {"sqs:SendMessageBatch", "dynamodb:BatchExecuteStatement"} <= there[place]
