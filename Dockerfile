# One image for every process of Guildhall; docker-compose.yml says which command each runs.
FROM python:3.12-slim

ENV PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app

COPY requirements/production.txt requirements/production.txt
RUN pip install --require-hashes --requirement requirements/production.txt

COPY . .
RUN useradd --system --uid 10001 --no-create-home guildhall \
    && mkdir -p /data && chown guildhall /data \
    && GUILDHALL_MODE=test STATIC_DIR=/app/staticfiles \
       STATIC_STORAGE=whitenoise.storage.CompressedManifestStaticFilesStorage python manage.py collectstatic --noinput --verbosity=0

ENV GUILDHALL_MODE=production DATA_DIR=/data STATIC_DIR=/app/staticfiles WEB_BIND=0.0.0.0:8000
USER guildhall
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "-c", "marketplace/serving.py", "marketplace.wsgi"]
