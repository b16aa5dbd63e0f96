"""Settings, each read once from the environment. GUILDHALL_MODE decides what may exist; DEBUG is off in every mode."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django_stubs_ext
from django.core.exceptions import ImproperlyConfigured

from marketplace.enum_names import ENUM_NAMES
from marketplace.environment import (
    database_options,
    read_flag,
    read_list,
    read_mode,
    read_number,
    read_public_url,
    read_text,
)
from marketplace.logs import logging_at

django_stubs_ext.monkeypatch()  # Lets Django's generic classes be named with their types at run time.

BASE_DIR = Path(__file__).resolve().parent.parent

# --- What may exist ------------------------------------------------------------------------------------------------

GUILDHALL_MODE = read_mode()
IS_PRODUCTION = GUILDHALL_MODE == "production"
IS_TEST = GUILDHALL_MODE == "test"
DEBUG = False


def secret(name: str) -> str:
    """Return a secret; only the tests, whose secrets guard nothing, have one that is made up here."""
    return read_text(name, default=f"{name.lower()}-of-the-tests-".ljust(64, "x") if IS_TEST else None)


SECRET_KEY = secret("SECRET_KEY")
MASTER_KEY = base64.b64decode(
    read_text(
        "MASTER_KEY", default=base64.b64encode(b"master-key-of-the-tests-only-32b").decode() if IS_TEST else None
    ),
    validate=True,
)
if len(MASTER_KEY) != 32:
    raise ImproperlyConfigured("MASTER_KEY must be 32 bytes, base64-encoded: `openssl rand -base64 32` makes one.")
# Keys that MASTER_KEY replaced: they still unwrap what they wrapped, and wrap nothing new.
RETIRED_MASTER_KEYS = [base64.b64decode(text, validate=True) for text in read_list("RETIRED_MASTER_KEYS")]

HAS_MAIL_PAGE = HAS_RECEIVER = CLOCK_MAY_MOVE = GUILDHALL_MODE in ("demo", "test")
OUTBOUND_ALLOW = read_list("OUTBOUND_ALLOW")
# Everybody whom the demo's seed makes signs in with it; elsewhere there is no such thing.
DEMO_PASSWORD = secret("DEMO_PASSWORD") if GUILDHALL_MODE == "demo" else ""
for name, reason in {
    "OUTBOUND_ALLOW": "opens loopback addresses to strangers",
    "MAIL_PAGE": "shows everybody's mail",
    "CLOCK_OFFSET": "moves the clock",
    "DEMO_PASSWORD": "opens every account of a demo",
}.items():
    if IS_PRODUCTION and read_text(name, default=""):
        raise ImproperlyConfigured(f"{name} {reason}; production refuses to start with it.")

# --- Addresses -----------------------------------------------------------------------------------------------------

PUBLIC_URL = read_public_url("PUBLIC_URL", default="http://localhost" if IS_TEST else None, must_be_https=IS_PRODUCTION)
IS_HTTPS = PUBLIC_URL.startswith("https://")
PUBLIC_HOST = urlsplit(PUBLIC_URL).hostname or ""
ALLOWED_HOSTS = [PUBLIC_HOST, *(["testserver", "127.0.0.1"] if IS_TEST else [])]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
TRUSTED_PROXY_COUNT = read_number("TRUSTED_PROXY_COUNT", default=1 if IS_PRODUCTION else 0)

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"

# --- Apps ----------------------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
    "kernel",
    "accounts",
    "labs",
    "experts",
    "agreements",
    "payments",
    "tasks",
    "marketplace",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kernel.http.PolicyMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.RequestContextMiddleware",
    "kernel.http.RefusedMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.OperatorTotpMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "marketplace.context.page",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- Data ----------------------------------------------------------------------------------------------------------

DATABASE_URL = read_text("DATABASE_URL", default="postgresql://nobody@127.0.0.1:9/none" if IS_TEST else None)
DATABASE_OWNER_URL = read_text("DATABASE_OWNER_URL", default="" if not IS_TEST else DATABASE_URL)
STATEMENT_TIMEOUT_SECONDS = read_number("STATEMENT_TIMEOUT_SECONDS", default=60, least=1)

DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **database_options(DATABASE_URL),
        "CONN_MAX_AGE": 0 if IS_TEST else 300,
        "CONN_HEALTH_CHECKS": True,
    }
}
# pg_catalog settings travel with the connection, so a pooler in session mode keeps them too.
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    f"-c {name}={milliseconds}"
    for name, milliseconds in {
        "statement_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
        "lock_timeout": 10_000 if IS_TEST else 2_000,  # Tests run two to a core: waiting proves nothing there.
        "idle_in_transaction_session_timeout": 10_000 if not IS_TEST else 60_000,
    }.items()
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = read_text("REDIS_URL", default="redis://127.0.0.1:9/0" if IS_TEST else None)
# Rate limits live in the default cache, so it is the database: nothing breaks or resets when Redis goes.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "guildhall_cache"},
    "redis": {"BACKEND": "marketplace.caches.GuardedRedisCache", "LOCATION": REDIS_URL},
}

DATA_DIR = Path(read_text("DATA_DIR", default=str(BASE_DIR / ".guildhall" / "test-data") if IS_TEST else None))
MEDIA_ROOT = DATA_DIR / "files"
FILE_UPLOAD_PERMISSIONS = 0o600

# --- Who signs in --------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.AccountBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "accounts:home"
LOGOUT_REDIRECT_URL = "landing"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.MD5PasswordHasher" if IS_TEST else "django.contrib.auth.hashers.Argon2PasswordHasher"
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.forms.NamedSignupForm", "add_email": "accounts.forms.NewAddressForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=15).total_seconds())
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
MFA_ADAPTER = "accounts.adapter.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "Guildhall"
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not IS_HTTPS

SESSION_ENGINE = "accounts.session_store"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_NAME = "guildhall_session"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = IS_HTTPS
CSRF_COOKIE_NAME = "guildhall_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = IS_HTTPS

# --- What a browser may do -----------------------------------------------------------------------------------------

SECURE_SSL_REDIRECT = IS_HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = IS_HTTPS
SECURE_HSTS_PRELOAD = IS_HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SILENCED_SYSTEM_CHECKS: list[str] = []

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}

# --- Static files --------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(read_text("STATIC_DIR", default=str(DATA_DIR / "static")))
WHITENOISE_USE_FINDERS = IS_TEST
WHITENOISE_AUTOREFRESH = False
STATIC_STORAGE = read_text(
    "STATIC_STORAGE",  # An image is built without secrets, so in test mode, for production's storage.
    default={
        "production": "whitenoise.storage.CompressedManifestStaticFilesStorage",
        "demo": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
        "test": "django.contrib.staticfiles.storage.StaticFilesStorage",
    }[GUILDHALL_MODE],
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATIC_STORAGE},
}

# --- Words and times -----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
USE_I18N = False
TIME_ZONE = "UTC"

# --- Mail ----------------------------------------------------------------------------------------------------------

# smtp://user:password@host:587 (STARTTLS) or smtps://…:465; without one, mail stays on the demo's mail page.
MAIL_URL = read_text("MAIL_URL", default="" if not IS_PRODUCTION else None)
DEFAULT_FROM_EMAIL = read_text("MAIL_FROM", default=f"Guildhall <hello@{PUBLIC_HOST}>")
EMAIL_TIMEOUT = 20
if MAIL_URL:
    mail = urlsplit(MAIL_URL)
    if mail.scheme not in ("smtp", "smtps") or not mail.hostname:
        raise ImproperlyConfigured("MAIL_URL must look like smtp://user:password@host:587.")
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = mail.hostname, mail.port or (465 if mail.scheme == "smtps" else 587)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = mail.username or "", mail.password or ""
    EMAIL_USE_SSL, EMAIL_USE_TLS = mail.scheme == "smtps", mail.scheme == "smtp"
else:
    EMAIL_BACKEND = f"django.core.mail.backends.{'locmem' if IS_TEST else 'dummy'}.EmailBackend"

# --- Money ---------------------------------------------------------------------------------------------------------

STRIPE_OWN_BASE = "https://api.stripe.com"
STRIPE_API_BASE = read_text(
    "STRIPE_API_BASE", default=STRIPE_OWN_BASE if IS_PRODUCTION else "http://127.0.0.1:9" if IS_TEST else None
).rstrip("/")
STRIPE_API_KEY = (
    secret("STRIPE_API_KEY") if not IS_TEST else read_text("STRIPE_API_KEY", default="sk_test_of_the_tests")
)
STRIPE_WEBHOOK_SECRETS = {
    endpoint: read_list(f"STRIPE_WEBHOOK_SECRETS_{endpoint.upper()}")
    or ([f"whsec_{endpoint}_of_the_tests"] if IS_TEST else [])
    for endpoint in ("account", "connect", "thin")
}
STRIPE_CONNECT_TIMEOUT_SECONDS = 5
STRIPE_READ_TIMEOUT_SECONDS = 30
STRIPE_NETWORK_RETRIES = 0 if IS_TEST else 2
STRIPE_SENDS_PER_SECOND = read_number("STRIPE_SENDS_PER_SECOND", default=10, least=1)
# Every request to Stripe, a line each, for the checker; never where the requests are real.
STRIPE_RECORD_FILE = "" if IS_PRODUCTION else read_text("STRIPE_RECORD_FILE", default="")
IS_STRIPE_SANDBOX = STRIPE_API_BASE != STRIPE_OWN_BASE
if IS_PRODUCTION and IS_STRIPE_SANDBOX:
    raise ImproperlyConfigured(f"STRIPE_API_BASE must be {STRIPE_OWN_BASE} in production.")
if not STRIPE_API_KEY.startswith(("sk_live_", "rk_live_", "sk_test_", "rk_test_")):
    raise ImproperlyConfigured("STRIPE_API_KEY must be a secret or a restricted key (sk_… or rk_…).")
if IS_STRIPE_SANDBOX and "_live_" in STRIPE_API_KEY[:8]:
    raise ImproperlyConfigured("A live Stripe key must not be sent to anyone but Stripe.")
if missing := [endpoint for endpoint, secrets in STRIPE_WEBHOOK_SECRETS.items() if not secrets]:
    raise ImproperlyConfigured(f"STRIPE_WEBHOOK_SECRETS_{missing[0].upper()} is not set.")

# Who issues invoices and statements, a line each, parted by |: name, address, tax number.
ISSUER = [line.strip() for line in read_text("ISSUER", default="Guildhall").split("|")]

# --- The labs' API -------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],  # labs.doors.LabView names its own: naming them here would be a cycle.
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "STRICT_JSON": True,
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Guildhall API",
    "DESCRIPTION": "Post batches of tasks, follow them, export what experts made of them.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PUBLIC": True,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "OAS_VERSION": "3.1.0",
    "ENUM_NAME_OVERRIDES": ENUM_NAMES,
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "labs.doors.described.describe_bodies"],
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": False,
    "SORT_OPERATIONS": False,
}

# --- Jobs ----------------------------------------------------------------------------------------------------------

CELERY_BROKER_URL = REDIS_URL
OUTBOX_NUDGES = read_flag("OUTBOX_NUDGES", default=not IS_TEST)  # Tests drain the outbox themselves.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3600,
    # A nudge is worth one short try: the sweeper finds the row when the broker is away.
    "socket_connect_timeout": 1,
    "socket_timeout": 5,
    "max_retries": 0,
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = False  # The outbox row holds the lease; a lost message is found by the sweeper.
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TIMEZONE = "UTC"

# --- Seeing: one JSON line per event, with ids and never with content ----------------------------------------------

DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False
LOGGING = logging_at(read_text("LOG_LEVEL", default="INFO" if not IS_TEST else "WARNING"))
