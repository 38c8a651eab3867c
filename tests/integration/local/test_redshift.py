"""Redshift's Data API on DuckDB: statements, errors, UNLOAD and COPY under the role that they name."""

import pytest
from botocore.exceptions import ClientError

from localaws.waiting import wait_until

ENDED = ("FINISHED", "FAILED", "ABORTED")


@pytest.fixture
def run(cloud, app):
    """Run statements and return their description, with the rows of the last one under ``rows``."""
    data = cloud.client("redshift-data")

    def wait(*sqls, **more):
        where = {"ClusterIdentifier": "shop-cluster", "Database": "dev", "SecretArn": app["SecretArn"], **more}
        if len(sqls) == 1:
            statement = data.execute_statement(Sql=sqls[0], **where)["Id"]
        else:
            statement = data.batch_execute_statement(Sqls=list(sqls), **where)["Id"]

        def ended():
            described = data.describe_statement(Id=statement)
            return described if described["Status"] in ENDED else None

        found = wait_until(f"{sqls} to end", ended, 60, pause=0.002)
        if found["HasResultSet"]:
            last = found["SubStatements"][-1]["Id"] if "SubStatements" in found else statement
            records = data.get_statement_result(Id=last)["Records"]
            found["rows"] = [[next(iter(field.values())) if "isNull" not in field else None for field in record] for record in records]
        return found

    return wait


@pytest.fixture(scope="module")
def shop(cloud, app):
    """Tables of the seed's shop, loaded with COPY."""
    data, s3 = cloud.client("redshift-data"), cloud.client("s3")
    lines = [
        "ts,platform,views,revenue,ok",
        "2013-01-01 00:00:00,1,10,3.50,true",
        "2013-01-01 01:00:00,2,11,4.25,false",
        '"2013-01-01 02:00:00",2,,,',
    ]
    s3.put_object(Bucket=app["InputBucketName"], Key="data/in/shop.csv", Body="\n".join(lines).encode())
    where = {"ClusterIdentifier": "shop-cluster", "Database": "dev", "SecretArn": app["SecretArn"]}
    source = f"'s3://{app['InputBucketName']}/data/in/' iam_role '{app['WarehouseRoleArn']}' csv ignoreheader 1 timeformat 'auto'"
    data.batch_execute_statement(
        Sqls=[
            "create table platform(id int identity(1,1) primary key, name varchar(32) not null) diststyle all",
            "create table shop(id bigint identity(1,1), ts timestamp not null sortkey, platform int references platform(id),"
            " views int encode az64, revenue decimal(9,2), ok boolean)",
            "insert into platform(name) values ('web'), ('app''s')",
            f"copy shop(ts, platform, views, revenue, ok) from {source}",
        ],
        **where,
    )
    cloud.wait_idle()
    return app["InputBucketName"]


@pytest.fixture
def unload(run, shop, app):
    """Unload a query to a folder of the bucket and count its rows, as the crawls do."""

    def done(query, folder, options="header csv parallel off allowoverwrite", role=None, **more):
        text = query.replace("'", "''")
        return run(
            f"unload ('{text}') to 's3://{shop}/{folder}' iam_role '{role or app['WarehouseRoleArn']}' {options}",
            "select pg_last_unload_count()",
            **more,
        )

    return done


def files(cloud, bucket, prefix):
    s3 = cloud.client("s3")
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {item["Key"]: s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read() for item in found}


def test_types_arrive_as_the_data_api_gives_them(run, shop):
    found = run("select id, ts, views, revenue, ok from shop order by ts limit 1")
    assert found["rows"] == [[1, "2013-01-01 00:00:00", 10, "3.50", True]]
    assert (found["ResultRows"], found["Status"]) == (1, "FINISHED")
    assert run("select views from shop where views is null")["rows"] == [[None]]


def test_unload_writes_a_header_and_redshifts_formats_and_counts_rows(cloud, unload, shop):
    query = (
        "select ts as timestamp, views, revenue, ok, platform.name as platform from shop, platform where shop.platform = platform.id"
        " and ts >= '2013-01-01 00:00:00' and ts < dateadd(hour, 3, '2013-01-01 00:00:00'::timestamp) order by ts"
    )
    found = unload(query, "data/out/")
    assert found["rows"] == [[3]]
    [(key, body)] = files(cloud, shop, "data/out/").items()
    assert key == "data/out/000"
    assert body.decode().splitlines() == [
        "timestamp,views,revenue,ok,platform",
        "2013-01-01 00:00:00,10,3.50,t,web",
        "2013-01-01 01:00:00,11,4.25,f,app's",
        "2013-01-01 02:00:00,,,,app's",
    ]


def test_unload_of_no_rows_writes_no_file(cloud, unload, shop):
    assert unload("select * from shop where views > 100", "data/none/")["rows"] == [[0]]
    assert files(cloud, shop, "data/none/") == {}


def test_unload_does_not_overwrite_unless_told_to(cloud, unload, shop):
    unload("select 1 as a", "data/over/x")
    cloud.client("s3").put_object(Bucket=shop, Key="data/over/x-old", Body=b"old")
    assert "Specified unload destination on S3 is not empty" in unload("select 2 as a", "data/over/x", "header csv parallel off")["Error"]
    assert unload("select 2 as a", "data/over/x", "header csv parallel off cleanpath")["Status"] == "FINISHED"
    assert files(cloud, shop, "data/over/") == {"data/over/x000": b"a\n2\n"}


def test_gzip_goes_out_and_comes_in_again(cloud, run, unload, shop, app):
    unload("select 7 as n, 'x,\"y' as t", "data/zip/", "header csv gzip allowoverwrite")
    assert list(files(cloud, shop, "data/zip/")) == ["data/zip/0000_part_00.gz"]
    loaded = run(
        "create table zipped(n int, t varchar)",
        f"copy zipped from 's3://{shop}/data/zip/' iam_role '{app['WarehouseRoleArn']}' csv gzip ignoreheader 1",
        "select * from zipped",
    )
    assert loaded["rows"] == [[7, 'x,"y']]


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("select * from nowhere", 'ERROR: relation "nowhere" does not exist'),
        ("select nothing from shop", 'ERROR: column "nothing" does not exist'),
        ("selec 1", "ERROR: syntax error"),
        ("select 1; select 2", "ERROR: cannot insert multiple commands into a prepared statement"),
        ("unload ('select 1') to 's3://b/k' header csv", "ERROR: IAM_ROLE"),
        ("copy shop from 's3://b/k' iam_role 'arn:aws:iam::123456789012:role/none' csv", "is not authorized to assume IAM Role"),
    ],
)
def test_failures_are_worded_as_redshift_words_them(run, shop, sql, error):
    found = run(sql)
    assert found["Status"] == "FAILED"
    assert error in found["Error"]


def test_the_role_must_be_allowed_to_write_there(unload, app):
    assert "S3ServiceException:Access Denied,Status 403" in unload("select 1", "elsewhere/")["Error"]
    assert "is not authorized to assume IAM Role" in unload("select 1", "data/x/", role=app["EchoArn"].replace("lambda", "iam"))["Error"]


def test_a_batch_is_one_transaction(run, shop):
    found = run("insert into platform(name) values ('lost')", "select * from nowhere", "select 1")
    assert [part["Status"] for part in found["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert found["Error"].startswith("Query #2 failed with ERROR")
    assert run("select count(*) from platform where name = 'lost'")["rows"] == [[0]]


def test_parameters_are_values_and_never_sql(run, shop):
    found = run("select count(*) from platform where name = :name", Parameters=[{"name": "name", "value": "app's"}])
    assert found["rows"] == [[1]]


def test_the_same_client_token_is_the_same_statement(cloud, app, shop):
    data = cloud.client("redshift-data")
    where = {"ClusterIdentifier": "shop-cluster", "Database": "dev", "SecretArn": app["SecretArn"], "ClientToken": "once"}
    first, second = (data.execute_statement(Sql="insert into platform(name) values ('once')", **where)["Id"] for _ in range(2))
    cloud.wait_idle()
    assert first == second


def test_a_running_statement_can_be_cancelled(cloud, app, shop):
    data = cloud.client("redshift-data")
    where = {"ClusterIdentifier": "shop-cluster", "Database": "dev", "SecretArn": app["SecretArn"]}
    statement = data.execute_statement(Sql="select count(*) from range(100000000) a, range(100000) b", **where)["Id"]
    wait_until("the statement to start", lambda: data.describe_statement(Id=statement)["Status"] == "STARTED", 60)
    assert data.cancel_statement(Id=statement)["Status"] is True
    cloud.wait_idle()
    assert data.describe_statement(Id=statement)["Status"] == "ABORTED"
    with pytest.raises(ClientError, match="already in ABORTED state"):
        data.cancel_statement(Id=statement)


def test_the_end_of_a_statement_is_an_event_when_asked_for(run, seen, shop):
    ended = run("select 1", WithEvent=True, StatementName="told")
    run("select 1", StatementName="untold")
    [event] = seen("aws.redshift-data")
    assert event["detail-type"] == "Redshift Data Statement Status Change"
    assert (event["detail"]["statementId"], event["detail"]["state"], event["detail"]["statementName"]) == (ended["Id"], "FINISHED", "told")


def test_a_cluster_that_no_secret_names_does_not_exist(cloud, app):
    with pytest.raises(ClientError, match="Redshift endpoint doesn't exist"):
        cloud.client("redshift-data").execute_statement(
            ClusterIdentifier="other", Database="dev", SecretArn=app["SecretArn"], Sql="select 1"
        )
