#!/usr/bin/env bash
# Fill the demo's Redshift: create the tables, load the sample data. Running it again leads to the same tables.
#   deploy_redshift_environment.sh SECRET BUCKET ROLE_ARN [ecommerce|flights]
# The shop is generated around today: half a year of history, and rows of the coming weeks for the hourly crawl to find.
# PYTHON chooses an interpreter (3.11 or newer) that has boto3.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
usage() { echo "usage: deploy_redshift_environment.sh SECRET BUCKET ROLE_ARN [ecommerce|flights]" >&2; exit 2; }
if [ $# -lt 3 ] || [ $# -gt 4 ]; then usage; fi
secret=$1 bucket=$2 role=$3 data=${4:-ecommerce}
[[ $role =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+ ]] || { echo "ROLE_ARN is not the ARN of a role: $role" >&2; exit 2; }
case "$data" in ecommerce | flights) ;; *) usage ;; esac
python=${PYTHON:-python3}

files="$here/../$data/data"
if [ "$data" = ecommerce ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  files="$work/data"
  month=$(date -u +%Y-%m-01)
  "$python" "$here/../ecommerce/generate.py" --out "$files" \
    --start "$(date -u -d "$month -6 months" +%F)" --end "$(date -u -d "$month +2 months" +%F)"
fi
"$python" "$here/initial_setup.py" --secret "$secret" --data "$data"
"$python" "$here/data_loader.py" --secret "$secret" --bucket "$bucket" --role "$role" --data "$data" --files "$files"
