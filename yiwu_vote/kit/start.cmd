@echo off
rem Install this site from its own kit, without any network, and serve it. Run it again to serve it again.
rem Plain ASCII, since not every Windows reads Chinese here; what is said in Chinese lies in files.
setlocal
set "STATUS=0"
chcp 65001 >nul
cd /d "%~dp0"
set "PYTHONUTF8=1"
set "PIP_CONFIG_FILE=nul"

if exist .venv\kit-installed goto serve
for %%P in ("py -3.12" "py -3.11" "python3" "python") do (
  %%~P -c "import sys; sys.exit(not ((3, 11) <= sys.version_info < (3, 13) and sys.maxsize > 2**32))" >nul 2>nul && set "FOUND=%%~P" && goto install
)
type yiwu_vote\kit\no-python.txt
goto failed

:install
%FOUND% -m venv --clear .venv || goto broken
.venv\Scripts\python.exe -m pip install -q --disable-pip-version-check --no-index --find-links kit/wheels --require-hashes --no-deps -r requirements.txt || goto broken
type nul >.venv\kit-installed

:serve
.venv\Scripts\python.exe manage.py install || goto failed
.venv\Scripts\python.exe manage.py serve || goto failed
goto end

:broken
type yiwu_vote\kit\not-installed.txt
:failed
set "STATUS=1"
:end
pause
exit /b %STATUS%
