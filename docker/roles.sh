#!/bin/sh
# Run once, by the PostgreSQL image, on an empty volume: the role that owns the schema and the role that serves.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
     --set=owner_password="$OWNER_PASSWORD" --set=app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE guildhall_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE guildhall_app LOGIN PASSWORD :'app_password';
CREATE DATABASE guildhall OWNER guildhall_owner;
SQL
