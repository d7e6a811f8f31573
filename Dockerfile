# docker build -t prism . && docker run --rm -p 7860:7860 prism    (more: docs/hosting.md)
FROM python:3.11-slim

COPY packages.txt /tmp/
RUN apt-get update \
    && xargs -a /tmp/packages.txt apt-get install -y --no-install-recommends \
    && rm -rf /var/lib/apt/lists/* /tmp/packages.txt

RUN useradd --create-home --uid 1000 prism
WORKDIR /home/prism/app

# The CPU build of torch first: the plain one brings several GB of CUDA libraries.
COPY requirements.txt ./
RUN pip install --no-cache-dir uv \
    && grep -E '^torch==' requirements.txt > /tmp/torch.txt \
    && uv pip install --system --no-cache --torch-backend=cpu -r /tmp/torch.txt \
    && pip install --no-cache-dir -r requirements.txt \
    && pip uninstall -y uv \
    && rm /tmp/torch.txt

COPY --chown=prism:prism . .
USER prism

# Everything that is needed is in the image: nothing is fetched, nothing is reported.
ENV GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SERVER_NAME=0.0.0.0 \
    GRADIO_SERVER_PORT=7860 \
    HF_HUB_OFFLINE=1 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

EXPOSE 7860
# The server ends in order when it is interrupted; as process 1 it would not hear a SIGTERM.
STOPSIGNAL SIGINT
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=4)"]
CMD ["python", "app.py"]
