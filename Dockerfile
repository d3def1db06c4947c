# Three stages: browser code, Python packages, and a runtime that has neither compilers nor npm and is not root.
FROM node:20-bookworm-slim AS browser
WORKDIR /app
COPY widget/package.json widget/package-lock.json widget/
RUN cd widget && npm ci --no-audit --no-fund
COPY widget widget
COPY static static
ARG VITE_API_URL="" VITE_WIDGET_URL=""
RUN cd widget && npm run build

FROM python:3.12-slim-bookworm AS packages
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --no-deps -r requirements.txt

FROM python:3.12-slim-bookworm
RUN apt-get update && apt-get install -y --no-install-recommends curl tesseract-ocr tesseract-ocr-rus && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 omni && mkdir /data && chown omni /data
WORKDIR /app
COPY --from=packages /venv /venv
COPY --chown=omni . .
COPY --from=browser --chown=omni /app/static static
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data DJANGO_SETTINGS_MODULE=omnisupport.settings
RUN python -m omnisupport.messages compile && ENVIRONMENT=production python manage.py collectstatic --noinput -v 0
USER omni
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD curl -fsS http://127.0.0.1:8000/healthz || exit 1
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "16", "omnisupport.wsgi:application"]
