#!/usr/bin/env bash
# Deploy service, connector and crawl as SAM applications and start the set-up. Run it again after a failure: what is done is skipped.
#   deploy_custom_connector.sh LAMBDA_BUCKET CLUSTER SECRET NOTEBOOK_ROLE
#     LAMBDA_BUCKET  bucket for packaged code
#     CLUSTER        identifier of the Redshift cluster, or workgroup:NAME, or the kind of another database: postgresql
#     SECRET         ARN of the secret with the database's credentials
#     NOTEBOOK_ROLE  name of the role this runs under; the connector lets it write params.json. - when it may do so already
# Environment, all optional: STACK (custom-rs-connector), SECRET_NAME (KIND-l4mintegration), DEPLOY_ROLE_ARN (role that CloudFormation
# assumes), SUBNET_IDS and SECURITY_GROUP_IDS (where the functions run), PERMISSIONS_BOUNDARY (policy ARN), NOTIFICATION_EMAIL, LOG_RETENTION_DAYS, RUN_MEMORY, RUN_STORAGE, MAX_SERIES, EVENT_BUS_NAME,
# LATE_HOURS (each like the parameter of that name), PYTHON (3.11 or newer, with boto3 for the params).
set -Eeuo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

die() { echo "deploy_custom_connector: $*" >&2; exit "${code:-1}"; }
[ $# -eq 4 ] || code=2 die "needs LAMBDA_BUCKET CLUSTER SECRET NOTEBOOK_ROLE, got $# arguments"
lambda_bucket=$1 cluster=$2 secret=$3 notebook_role=${4##*/}
[ "$notebook_role" != - ] || notebook_role=""
[[ $lambda_bucket =~ ^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$ ]] || code=2 die "LAMBDA_BUCKET is not the name of a bucket: $lambda_bucket"
[[ $cluster =~ ^(workgroup:)?[a-z][a-z0-9-]{0,62}$ ]] || code=2 die "CLUSTER is neither a cluster identifier, workgroup:NAME nor postgresql: $cluster"
[[ $secret =~ ^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+ ]] || code=2 die "SECRET is not the ARN of a secret: $secret"
stack=${STACK:-custom-rs-connector}
python=${PYTHON:-python3}
sam=$root/.venv-sam/bin/sam
export SAM_CLI_TELEMETRY=0

# What is known so far, by the name of the parameter it fills; outputs of each stack are added to it.
declare -A known=([SageMakerNotebookRole]=$notebook_role [NamePrefix]=$stack
  [SubnetIds]=${SUBNET_IDS:-} [SecurityGroupIds]=${SECURITY_GROUP_IDS:-} [PermissionsBoundary]=${PERMISSIONS_BOUNDARY:-}
  [NotificationEmail]=${NOTIFICATION_EMAIL:-} [LogRetentionDays]=${LOG_RETENTION_DAYS:-}
  [RunMemory]=${RUN_MEMORY:-} [RunStorage]=${RUN_STORAGE:-} [MaxSeries]=${MAX_SERIES:-}
  [EventBusName]=${EVENT_BUS_NAME:-} [LateHours]=${LATE_HOURS:-})
kind=redshift
case "$cluster" in
  postgresql) kind=$cluster known[DatabaseType]=$kind known[DatabaseSecret]=$secret database=(--database "$kind") ;;
  workgroup:*) known[RedshiftSecret]=$secret known[RedshiftWorkgroup]=${cluster#workgroup:} database=(--workgroup "${cluster#workgroup:}") ;;
  *) known[RedshiftSecret]=$secret known[RedshiftCluster]=$cluster database=(--cluster "$cluster") ;;
esac

parameters_of() { # names in a template's section Parameters
  awk '/^Parameters:/ {inside = 1; next} /^[^ #]/ {inside = 0} inside && /^  [A-Za-z0-9]+:/ {sub(/:.*/, ""); print $1}' "$1"
}

status_of() {
  aws cloudformation describe-stacks --stack-name "$1" --query 'Stacks[0].StackStatus' --output text 2>/dev/null || echo NONE
}

settle() { # wait for an operation that is under way, remove the remains of a first attempt that failed
  case $(status_of "$1") in
    CREATE_IN_PROGRESS) aws cloudformation wait stack-create-complete --stack-name "$1" || true ;;
    UPDATE_*_IN_PROGRESS | UPDATE_IN_PROGRESS) aws cloudformation wait stack-update-complete --stack-name "$1" || true ;;
    DELETE_IN_PROGRESS) aws cloudformation wait stack-delete-complete --stack-name "$1" ;;
  esac
  case $(status_of "$1") in
    ROLLBACK_COMPLETE | ROLLBACK_FAILED | CREATE_FAILED | REVIEW_IN_PROGRESS)
      aws cloudformation delete-stack --stack-name "$1"
      aws cloudformation wait stack-delete-complete --stack-name "$1"
      ;;
  esac
}

deploy() { # STACK TEMPLATE: build, create or update, remember the outputs
  local name=$1 template=$root/ai_ops/$2 build=$root/.aws-sam/${2%.yaml} overrides=() parameter key value
  echo "== $name"
  settle "$name"
  for parameter in $(parameters_of "$template"); do
    [ -z "${known[$parameter]:-}" ] || overrides+=("ParameterKey=$parameter,ParameterValue=${known[$parameter]}")
  done
  "$sam" build --cached --template "$template" --build-dir "$build"
  "$sam" deploy --template-file "$build/template.yaml" --stack-name "$name" --s3-bucket "$lambda_bucket" --s3-prefix "$name" \
    --capabilities CAPABILITY_IAM CAPABILITY_AUTO_EXPAND --no-confirm-changeset --no-fail-on-empty-changeset \
    ${DEPLOY_ROLE_ARN:+--role-arn "$DEPLOY_ROLE_ARN"} ${overrides[@]:+--parameter-overrides "${overrides[@]}"}
  while IFS=$'\t' read -r key value; do
    [ -z "$key" ] || known[$key]=$value
  done < <(aws cloudformation describe-stacks --stack-name "$name" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' --output text)
}

"$root/scripts/install" sam
deploy "$stack-service" l4m-service.yaml
deploy "$stack" template.yaml
echo "== params.json"
"$python" "$root/ai_ops/params_builder.py" "${known[LookoutForMetricsRoleArn]}" "${known[InputBucketName]}" \
  --secret-name "${SECRET_NAME:-$kind-l4mintegration}" "${database[@]}" --upload
deploy "$stack-crawl" "l4m-$kind-continuous-crawl.yaml"
known[AlarmTopicArn]=${known[NotificationTopicArn]} # the service is older than the topic that its alarms go to
deploy "$stack-service" l4m-service.yaml
echo "The set-up runs: its outcome arrives in s3://${known[InputBucketName]}/params.status.json and on the stack's topic."
