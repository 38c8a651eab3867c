"""Events: from S3, rules, schedules and topics to functions."""

import json
from datetime import UTC, datetime


def test_a_notification_names_bucket_key_and_version_of_exactly_the_key_declared(cloud, app, seen):
    s3, bucket = cloud.client("s3"), app["InputBucketName"]
    for key in ("params.json.bak", "a/params.json", "params.jsonx"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}")
    version = s3.put_object(Bucket=bucket, Key="params.json", Body=b"{}")["VersionId"]
    [event] = seen("aws-s3")
    record = event["Records"][0]
    assert record["s3"]["bucket"]["name"] == bucket
    assert (record["s3"]["object"]["key"], record["s3"]["object"]["versionId"]) == ("params.json", version)


def test_cron_rules_fire_in_order_with_the_time_of_the_tick(cloud, app, seen):
    fired = cloud.fire(datetime(2013, 2, 6, tzinfo=UTC), datetime(2013, 2, 6, 5, tzinfo=UTC))
    events = seen("aws.events")
    assert fired == 5
    assert [event["time"] for event in events] == [f"2013-02-06T0{hour}:00:00Z" for hour in range(5)]
    assert events[0]["detail-type"] == "Scheduled Event"
    assert events[0]["resources"] == ["arn:aws:events:us-east-1:123456789012:rule/sample-hourly"]


def test_the_end_of_a_period_is_not_part_of_it(cloud, app):
    assert cloud.fire(datetime(2013, 2, 6, 0, 1, tzinfo=UTC), datetime(2013, 2, 6, 1, tzinfo=UTC)) == 0


def test_schedules_follow_their_own_timezone_and_know_their_time(cloud, app, seen):
    cloud.fire(datetime(2026, 1, 10, 11, 30, tzinfo=UTC), datetime(2026, 1, 10, 11, 31, tzinfo=UTC))
    cloud.fire(datetime(2026, 7, 10, 10, 30, tzinfo=UTC), datetime(2026, 7, 10, 10, 31, tzinfo=UTC))
    assert [event["time"] for event in seen("daily")] == ["2026-01-10T11:30:00Z", "2026-07-10T10:30:00Z"]


def test_a_rule_that_may_not_deliver_tells_its_dead_letter_queue(cloud, app, messages):
    events, sqs = cloud.client("events"), cloud.client("sqs")
    url = sqs.create_queue(QueueName="unheard")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name="unwelcome", EventPattern=json.dumps({"source": ["unwelcome"]}))
    events.put_targets(Rule="unwelcome", Targets=[{"Id": "echo", "Arn": app["EchoArn"], "DeadLetterConfig": {"Arn": queue}}])
    entry = {"Source": "unwelcome", "DetailType": "x", "Detail": "{}"}
    events.put_events(Entries=[entry])
    assert messages(url) == []  # nor may it write to the queue
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})})
    events.put_events(Entries=[entry])
    [message] = messages(url)
    assert "may not lambda:InvokeFunction" in message["MessageAttributes"]["ERROR_MESSAGE"]["StringValue"]
    events.remove_targets(Rule="unwelcome", Ids=["echo"])
    events.delete_rule(Name="unwelcome")


def test_put_events_reaches_the_rules_whose_pattern_matches(cloud, app, seen):
    entries = [{"Source": "shop", "DetailType": "sale", "Detail": json.dumps({"price": price})} for price in (3, 7)]
    assert cloud.client("events").put_events(Entries=entries)["FailedEntryCount"] == 0
    [event] = seen("shop")
    assert event["detail"] == {"price": 7}


def test_a_message_reaches_subscribed_functions_and_is_kept_with_its_readers(cloud, app, seen):
    cloud.client("sns").publish(TopicArn=app["NewsArn"], Subject="greeting", Message="hello")
    [event] = seen("aws-sns")
    assert event["Records"][0]["Sns"]["Message"] == "hello"
    message = cloud.messages(app["NewsArn"])[-1]
    assert (message["subject"], message["message"]) == ("greeting", "hello")
    assert "email:ops@example.com" in message["subscribers"]


def test_a_service_without_permission_is_not_let_in(cloud, app, seen):
    client = cloud.client("lambda")
    name = next(item["FunctionName"] for item in client.list_functions()["Functions"] if "-Trigger-" in item["FunctionName"])
    statements = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    statement = next(item for item in statements if item["Principal"]["Service"] == "s3.amazonaws.com")
    client.remove_permission(FunctionName=name, StatementId=statement["Sid"])
    try:
        cloud.client("s3").put_object(Bucket=app["InputBucketName"], Key="params.json", Body=b"{}")
        assert seen("aws-s3") == []
        assert "s3.amazonaws.com has no permission" in cloud.status()["refused"][-1]
    finally:
        client.add_permission(
            FunctionName=name,
            StatementId=statement["Sid"],
            Action="lambda:InvokeFunction",
            Principal="s3.amazonaws.com",
            SourceAccount="123456789012",
        )


def test_a_queue_hears_a_topic_only_with_its_own_policy(cloud, app, messages):
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic, url = sns.create_topic(Name="source")["TopicArn"], sqs.create_queue(QueueName="sink")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"})
    sns.publish(TopicArn=topic, Message="first")
    statement = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue}
    policy = {"Version": "2012-10-17", "Statement": [statement | {"Condition": {"ArnEquals": {"aws:SourceArn": topic}}}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.publish(TopicArn=topic, Message="second")
    assert [item["Body"] for item in messages(url)] == ["second"]


def test_objects_can_be_written_on_a_condition(cloud, app):
    s3, bucket = cloud.client("s3"), app["InputBucketName"]
    tag = s3.put_object(Bucket=bucket, Key="in/lock", Body=b"1", IfNoneMatch="*")["ETag"]
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"0123456789abcdef0123456789abcdef"'}):
        try:
            s3.put_object(Bucket=bucket, Key="in/lock", Body=b"2", **condition)
        except s3.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 412
        else:
            raise AssertionError(condition)
    s3.put_object(Bucket=bucket, Key="in/lock", Body=b"3", IfMatch=tag)
    assert s3.get_object(Bucket=bucket, Key="in/lock")["Body"].read() == b"3"
