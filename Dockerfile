# One image for every part: `ticker up` (all in one), `ticker desk`, `ticker gateway`, and `tick`.

# Not the slim image: `tick` needs a C compiler.
FROM python:3.13.14-trixie AS build
WORKDIR /source
RUN python -m venv /opt/ticker
COPY requirements/ requirements/
# A separate layer, which changes only with the locks.
RUN /opt/ticker/bin/pip install --no-cache-dir --no-deps --require-hashes --only-binary :all: \
      -r requirements/run.txt -r requirements/build.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY ticker/ ticker/
COPY publisher_cli/ publisher_cli/
# Remove the build tools.
RUN /opt/ticker/bin/pip install --no-cache-dir --no-deps --no-index --no-build-isolation . \
 && /opt/ticker/bin/pip uninstall --yes setuptools pip

FROM python:3.13.14-slim-trixie
COPY --from=build /opt/ticker /opt/ticker
ENV PATH=/opt/ticker/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TICKER_DATA=/data
# A fixed user id, so that the owner of a volume is known outside. The embedded server keeps its data in /data:
# mount a volume there to keep published lines when the container is replaced.
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ticker \
 && install --directory --owner ticker --group ticker --mode 0700 /data
USER 10001:10001
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/readyz', timeout=2)"]
CMD ["ticker", "up", "--host", "0.0.0.0", "--port", "8080"]
