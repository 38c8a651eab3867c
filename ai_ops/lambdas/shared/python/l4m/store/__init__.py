"""Resources and anomalies in DynamoDB; series state and history in S3."""
