; SPDX-License-Identifier: GPL-2.0-only
; The setup program for Windows: driver, tools, guest kernel, start-menu entry, uninstall. tools/nt/setup runs makensis with
; VERSION, INPUT (a directory with coop.sys, coopctl.exe, vmlinux, LICENSE.txt, LIBRARIES.txt, README.txt) and OUTPUT.
; Silent: /S, and /D=DIRECTORY last. Exit status 0: done, 2: not done.
Target amd64-unicode
Unicode true
ManifestSupportedOS Win10
SetCompressor /SOLID lzma
RequestExecutionLevel admin
Name "Cooperative Linux"
OutFile "${OUTPUT}"
InstallDir "$PROGRAMFILES64\Cooperative Linux"
InstallDirRegKey HKLM "Software\Cooperative Linux" "Directory"

!include LogicLib.nsh
!include x64.nsh
!define UNINSTALL_KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\Cooperative Linux"

Page license
LicenseData "${INPUT}/LICENSE.txt"
Page directory
Page instfiles
UninstPage uninstConfirm
UninstPage instfiles

; Runs coopctl; its words are in the details, its status on the stack.
!macro Coopctl ARGUMENTS
    nsExec::ExecToLog '"$INSTDIR\coopctl.exe" ${ARGUMENTS}'
!macroend

; What an installation has running: an upgrade replaces its files, too.
!macro StopAll
    ${If} ${FileExists} "$INSTDIR\coopctl.exe"
        !insertmacro Coopctl "service remove"
        Pop $0
        !insertmacro Coopctl "driver remove"
        Pop $0
    ${EndIf}
!macroend

Section
    ${IfNot} ${RunningX64}
        MessageBox MB_ICONSTOP "Cooperative Linux needs 64-bit Windows." /SD IDOK
        Abort
    ${EndIf}
    SetRegView 64
    SetShellVarContext all
    !insertmacro StopAll
    SetOutPath "$INSTDIR"
    File "${INPUT}/coopctl.exe"
    File "${INPUT}/coop.sys"
    File "${INPUT}/vmlinux"
    File "${INPUT}/LICENSE.txt"
    File "${INPUT}/LIBRARIES.txt"
    File "${INPUT}/README.txt"
    WriteUninstaller "$INSTDIR\uninstall.exe"
    WriteRegStr HKLM "Software\Cooperative Linux" "Directory" "$INSTDIR"
    WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayName" "Cooperative Linux"
    WriteRegStr HKLM "${UNINSTALL_KEY}" "DisplayVersion" "${VERSION}"
    WriteRegStr HKLM "${UNINSTALL_KEY}" "InstallLocation" "$INSTDIR"
    WriteRegStr HKLM "${UNINSTALL_KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
    WriteRegStr HKLM "${UNINSTALL_KEY}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
    WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoModify" 1
    WriteRegDWORD HKLM "${UNINSTALL_KEY}" "NoRepair" 1
    CreateDirectory "$SMPROGRAMS\Cooperative Linux"
    CreateShortcut "$SMPROGRAMS\Cooperative Linux\Command line.lnk" "$SYSDIR\cmd.exe" '/k "$INSTDIR\coopctl.exe" doctor'
    CreateShortcut "$SMPROGRAMS\Cooperative Linux\Read me.lnk" "$INSTDIR\README.txt"
    CreateShortcut "$SMPROGRAMS\Cooperative Linux\Uninstall.lnk" "$INSTDIR\uninstall.exe"
    ; Installed, not started: whether this host can is for `coopctl doctor` to say, and starting for the user.
    !insertmacro Coopctl "driver install"
    Pop $0
    ${If} $0 != 0
        MessageBox MB_ICONSTOP "The driver could not be installed." /SD IDOK
        Abort
    ${EndIf}
SectionEnd

Section Uninstall
    SetRegView 64
    SetShellVarContext all
    !insertmacro StopAll
    Delete "$INSTDIR\coopctl.exe"
    Delete "$INSTDIR\coop.sys"
    Delete "$INSTDIR\vmlinux"
    Delete "$INSTDIR\LICENSE.txt"
    Delete "$INSTDIR\LIBRARIES.txt"
    Delete "$INSTDIR\README.txt"
    Delete "$INSTDIR\uninstall.exe"
    RMDir "$INSTDIR"
    Delete "$SMPROGRAMS\Cooperative Linux\*.lnk"
    RMDir "$SMPROGRAMS\Cooperative Linux"
    DeleteRegKey HKLM "${UNINSTALL_KEY}"
    DeleteRegKey HKLM "Software\Cooperative Linux"
    ; Configurations and logs in %ProgramData%\coop are the user's.
SectionEnd
